package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnException;
import dev.cairn.CairnStore;
import dev.cairn.MemoryDirectory;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that damaged files never crash a process nor give it a wrong value. Files are
 * cut off, lengthened and overwritten under the mappings of a process that reads and writes. The
 * process must get right values or exceptions, stay alive, and be able to close the store.
 */
@Timeout(value = 200, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DamagedWhileOpenIT {
    private static final String SEED = "cairn.seed";
    private static final int ENTRIES = 40;
    private static final int MANY_CASES = Integer.getInteger("cairn.fuzz.children", 300);
    private static final int PAGE = 4096;
    private static final int LOCK_MILLIS = 300;

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path file = Path.of("");
    private final Map<String, Integer> said = new TreeMap<>();

    @BeforeEach
    void nameIt() {
        file = directory.resolve("store.cairn");
    }

    /** What is done to a file. */
    enum Damage {
        CUT_TO_NOTHING,
        CUT_IN_THE_FIRST_PAGE,
        CUT_IN_HALF,
        CUT_AT_RANDOM,
        LENGTHENED,
        ZEROS,
        NOISE,
        NOISE_IN_THE_FIRST_PAGES,
        ALL_ZEROS,
        ALL_NOISE;

        void to(Path file, Random random) throws IOException {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                int size = (int) channel.size();
                switch (this) {
                    case CUT_TO_NOTHING -> cut(channel, 0);
                    case CUT_IN_THE_FIRST_PAGE -> cut(channel, 100);
                    case CUT_IN_HALF -> cut(channel, size / 2 & -PAGE);
                    case CUT_AT_RANDOM -> cut(channel, random.nextInt(size));
                    case LENGTHENED -> write(channel, size, noise(random, 3 * PAGE));
                    case ZEROS -> overwrite(channel, random, new byte[PAGE]);
                    case NOISE -> overwrite(channel, random, noise(random, PAGE));
                    case NOISE_IN_THE_FIRST_PAGES -> write(channel, 0, noise(random, 4 * PAGE));
                    case ALL_ZEROS -> write(channel, 0, new byte[size]);
                    case ALL_NOISE -> write(channel, 0, noise(random, size));
                }
            }
        }

        private static void cut(FileChannel channel, long bytes) throws IOException {
            FileChannel _ = channel.truncate(bytes);
        }

        private static void write(FileChannel channel, long at, byte[] bytes) throws IOException {
            int _ = channel.write(ByteBuffer.wrap(bytes), at);
        }

        private static byte[] noise(Random random, int length) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            return bytes;
        }

        private static void overwrite(FileChannel channel, Random random, byte[] page)
                throws IOException {
            for (int i = 0; i < 5; i++) {
                write(channel, random.nextLong(channel.size() / PAGE) * PAGE, page);
            }
        }
    }

    private Path shared() {
        return file.resolveSibling(file.getFileName() + "-shm");
    }

    @ParameterizedTest
    @EnumSource
    void dataFile(Damage damage) throws IOException {
        play(children.start(), damage, true, new Random(damage.name().hashCode()), damage.name());
    }

    @ParameterizedTest
    @EnumSource
    void sharedMemoryFile(Damage damage) throws IOException {
        play(children.start(), damage, false, new Random(damage.name().hashCode()), damage.name());
    }

    @Test
    @Tag("soak")
    void manyTimes() throws IOException {
        Long one = Long.getLong(SEED);
        long first = one == null ? System.nanoTime() & 0xFFFF_FFFFL : one;
        for (int i = 0; i < (one == null ? MANY_CASES : 1); i++) {
            Random random = new Random(first + i);
            file = directory.resolve("store" + i + ".cairn");
            Damage damage = Damage.values()[random.nextInt(Damage.values().length)];
            boolean ofData = random.nextBoolean();
            String name = "-D%s=%d: %s of data %s".formatted(SEED, first + i, damage, ofData);
            play(children.spare(), damage, ofData, random, name);
        }
        System.out.printf("DamagedWhileOpenIT: seeds from %d, said %s%n", first, said);
    }

    private void play(Child child, Damage damage, boolean ofData, Random random, String name)
            throws IOException {
        child.ask("join", file, LOCK_MILLIS);
        for (int i = 0; i < ENTRIES; i++) {
            child.ask("put", key(i), bytes(i));
        }
        if (random.nextBoolean()) {
            child.ask("checkpoint");
        }
        boolean busy = random.nextBoolean();
        if (busy) {
            child.tell("look", key(7));
            child.awaitStep(key(7));
        }
        damage.to(ofData ? file : shared(), random);
        List<String> bad = new ArrayList<>();
        if (busy) {
            LockSupport.parkNanos(random.nextLong(20_000_000));
            child.tell("go");
            judge(child.hear(), "look", ofData, bad);
        }
        for (int i = 0; i < ENTRIES; i++) {
            order(child, ofData, bad, "get", key(i));
        }
        order(child, ofData, bad, "verify");
        for (int i = 0; i < ENTRIES; i += 3) {
            order(child, ofData, bad, "put", key(i), bytes(i));
            order(child, ofData, bad, "get", key(i));
            order(child, ofData, bad, "remove", key(i + 1));
        }
        for (String verb : List.of("checkpoint", "compact", "figures", "naming", "verify")) {
            order(child, ofData, bad, verb);
        }
        order(child, ofData, bad, "close");
        assertThat(bad).as(name).isEmpty();
        assertThat(Long.parseLong(child.ask("pid"))).isPositive();
        child.kill();
        child.awaitDeath();
        openAgain(ofData);
    }

    /**
     * Requires that the store can be opened and closed, or is refused with an exception, and that
     * no value is wrong.
     */
    private void openAgain(boolean ofData) {
        try (CairnStore store = Cairn.open(file)) {
            for (int i = 0; i < ENTRIES; i++) {
                byte[] value = store.get(Values.bytes(key(i)));
                if (value != null) {
                    assertThat(Values.whole(key(i), value).sequence()).isPositive();
                }
            }
        } catch (CairnException e) {
            assertThat(e).hasMessageContaining(file.toString());
        }
        said.merge(ofData ? "data" : "shm", 1, Integer::sum);
    }

    private static String key(int number) {
        return "key" + number;
    }

    private static int bytes(int number) {
        return number % 7 == 0 ? 5000 : 40 * number;
    }

    private void order(Child child, boolean ofData, List<String> bad, Object... words) {
        child.tell(words);
        judge(child.hear(), words[0].toString(), ofData, bad);
    }

    private void judge(String line, String verb, boolean ofData, List<String> bad) {
        boolean refused = line.startsWith(Acting.FAILED);
        String what = refused ? line.replaceAll("(! [A-Za-z.]*).*", "$1") : Acting.DONE;
        said.merge(verb + " " + what, 1, Integer::sum);
        boolean clear =
                !refused
                        ? !line.equals(Acting.DONE + "absent") || !ofData
                        : isOfCairn(line) && line.contains(file.toString())
                                || verb.equals("verify") && line.contains("AssertionError");
        if (!clear || !refused && !line.startsWith(Acting.DONE)) {
            bad.add(verb + ": " + line);
        }
    }

    private static boolean isOfCairn(String line) {
        for (Class<?> kind : CairnException.class.getPermittedSubclasses()) {
            if (line.startsWith(Acting.FAILED + kind.getName())) {
                return true;
            }
        }
        return false;
    }
}
