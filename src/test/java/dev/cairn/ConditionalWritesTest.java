package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Attacks the convention that all writes share: they return the version that was written, or 0 if
 * nothing was.
 */
class ConditionalWritesTest {
    private static final byte[] KEY = {1};

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private CairnStore store;

    @BeforeEach
    void open() {
        store = Cairn.open(directory.resolve("store.cairn"));
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void writesReturnTheVersionThatTheEntryHas() {
        assertThat(store.version(KEY)).isZero();
        long first = store.putIfAbsent(KEY, new byte[] {1});
        assertThat(first).isPositive().isEqualTo(store.version(KEY));
        assertThat(store.putIfAbsent(KEY, new byte[] {2})).isZero();
        long second = store.replace(KEY, first, new byte[] {2});
        assertThat(second).isGreaterThan(first).isEqualTo(store.version(KEY));
        assertThat(store.getVersioned(KEY).version()).isEqualTo(second);
        assertThat(store.replace(KEY, first, new byte[] {3})).isZero();
        assertThat(store.get(KEY)).containsExactly(2);
        assertThat(store.version(KEY)).isEqualTo(second);
    }

    @Test
    void versionsWithTheSameBytesAreEqual() {
        long version = store.put(KEY, new byte[] {1, 2}, Duration.ofDays(1));
        Versioned seen = store.getVersioned(KEY);
        assertThat(seen).isEqualTo(store.getVersioned(KEY));
        assertThat(seen).hasSameHashCodeAs(store.getVersioned(KEY));
        assertThat(seen)
                .hasToString("Versioned[2 bytes, version %d, expires %s]", version, seen.expires());
        assertThat(seen).isNotEqualTo(new Versioned(new byte[] {1, 2}, version));
        assertThat(seen).isNotEqualTo(new Versioned(new byte[] {1, 3}, version, seen.expires()));
        assertThat(seen)
                .isNotEqualTo(new Versioned(new byte[] {1, 2}, version + 1, seen.expires()));
        assertThat(new Versioned(new byte[1], 7))
                .hasToString("Versioned[1 bytes, version 7, does not expire]");
    }

    @Test
    void removalsReturnTheVersionThatAFeedTells() throws InterruptedException {
        try (ChangeFeed<byte[]> feed = store.watch()) {
            long put = store.put(KEY, new byte[] {1});
            assertThat(store.remove(KEY, put + 1)).isZero();
            long removed = store.remove(KEY, put);
            assertThat(removed).isGreaterThan(put);
            assertThat(store.remove(KEY)).isZero();
            assertThat(store.version(KEY)).isZero();
            long again = store.putIfAbsent(KEY, new byte[] {2});
            assertThat(again).isGreaterThan(removed);
            assertThat(store.remove(KEY)).isGreaterThan(again);
            List<Long> removals = new ArrayList<>();
            for (var change = feed.poll(Duration.ZERO);
                    change != null;
                    change = feed.poll(Duration.ZERO)) {
                if (change instanceof Change.Removed<byte[]> it) {
                    removals.add(it.version());
                }
            }
            assertThat(removals).endsWith(removed + 2);
        }
    }

    /**
     * Four threads increment a counter. Each uses the version that its own last write returned, as
     * long as that is current.
     */
    @Test
    void anOptimisticLoopNeedNotReadWhatItWrote() throws InterruptedException {
        int threads = 4;
        int each = 2_000;
        List<Thread> counting = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            counting.add(Thread.ofPlatform().start(() -> count(each)));
        }
        for (Thread thread : counting) {
            thread.join();
        }
        assertThat(ByteBuffer.wrap(store.get(KEY)).getInt()).isEqualTo(threads * each);
    }

    private void count(int times) {
        long version = 0;
        int count = 0;
        for (int done = 0; done < times; ) {
            byte[] next = ByteBuffer.allocate(Integer.BYTES).putInt(count + 1).array();
            long written =
                    version == 0 ? store.putIfAbsent(KEY, next) : store.replace(KEY, version, next);
            if (written != 0) {
                version = written;
                count++;
                done++;
            } else {
                Versioned seen = store.getVersioned(KEY);
                version = seen.version();
                count = ByteBuffer.wrap(seen.value()).getInt();
            }
        }
    }

    @Test
    void stripesAreCounted() {
        assertThat(store.stripes()).isEqualTo(Options.defaults().stripes());
        assertThat(store.stripeOf(KEY)).isBetween(0, store.stripes() - 1);
    }
}
