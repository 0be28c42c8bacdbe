package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Attacks cleaning that meets damage: it must stop in that stripe only, be logged once, and show in
 * the figures.
 */
class DamagedCleaningTest {
    private static final Options OFTEN =
            Options.defaults().withStripes(1).withCheckpointEvery(Duration.ofMillis(20));

    private static final int KEYS = 200;

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();
    private final Logger logger = Logger.getLogger("dev.cairn");
    private final Queue<LogRecord> logged = new ConcurrentLinkedQueue<>();
    private final Handler ear =
            new Handler() {
                @Override
                public void publish(LogRecord each) {
                    logged.add(each);
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            };

    @BeforeEach
    void listen() {
        logger.addHandler(ear);
        logger.setUseParentHandlers(false);
    }

    @AfterEach
    void usual() {
        logger.removeHandler(ear);
        logger.setUseParentHandlers(true);
        scale.close();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    @Test
    void inTheOldestRegionThatGarbageIsCleanedOf() throws IOException {
        try (CairnStore store = Cairn.open(file(), OFTEN)) {
            fill(store, null);
            damage(value(0, 0));
            for (int n = 1; n < 20 * KEYS; n++) {
                int key = KEYS / 2 + n % (KEYS / 2);
                store.put(Content.key(key), value(key, n));
            }
            isTold(store);
            for (int key = 1; key < KEYS / 2; key++) {
                assertThat(store.get(Content.key(key))).isEqualTo(value(key, 0));
            }
        }
    }

    @Test
    void inTheOldestRegionThatExpiredEntriesAreCleanedOf() throws IOException {
        try (CairnStore store = Cairn.open(file(), OFTEN)) {
            fill(store, Duration.ofSeconds(1));
            damage(value(0, 0));
            isTold(store);
        }
    }

    @Test
    void inATailThatIsMostlyDead() throws IOException {
        try (CairnStore store = Cairn.open(file(), OFTEN)) {
            store.put(Content.key(0), value(0, 0));
            damage(value(0, 0));
            for (int n = 0; n < 100; n++) {
                store.put(Content.key(1), value(1, n));
            }
            isTold(store);
        }
    }

    private static void fill(CairnStore store, Duration timeToLive) {
        for (int key = 0; key < KEYS; key++) {
            if (timeToLive == null) {
                store.put(Content.key(key), value(key, 0));
            } else {
                store.put(Content.key(key), value(key, 0), timeToLive);
            }
        }
    }

    private static byte[] value(int key, int sequence) {
        return Content.value(key, sequence, 100);
    }

    private void isTold(CairnStore store) {
        await(() -> store.stats().damagedStripes() == 1 && !logged.isEmpty());
        CommandLineFixture cairn = new CommandLineFixture();
        assertThat(cairn.run("stat", file()).out())
                .containsPattern("damage +cleaning stops at a damaged region in 1 of the stripes");
        assertThat(cairn.run("stat", file(), "--json").out()).contains("\"damagedStripes\":1");
        long made = store.stats().checkpoints();
        await(() -> {
            store.put(Content.key(2 * KEYS), value(2 * KEYS, 0));
            return store.stats().checkpoints() > made + 3; // several periods later
        });
        assertThat(List.copyOf(logged)).hasSize(1);
        LogRecord told = logged.remove();
        assertThat(told.getMessage()).contains(file().toString(), "stripe 0");
        assertThat(told.getThrown()).hasMessageContaining("checksum");
    }

    /** Turns over a byte of the first record that has this value. */
    private void damage(byte[] value) throws IOException {
        byte[] content = Files.readAllBytes(file());
        int at = 0;
        while (ByteBuffer.wrap(content, at, value.length).compareTo(ByteBuffer.wrap(value)) != 0) {
            at++;
        }
        try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
            int last = at + value.length - 1;
            channel.write(ByteBuffer.wrap(new byte[] {(byte) ~content[last]}), last);
        }
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
    }
}
