package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.SmallScale;
import dev.cairn.format.DataHeader;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;
import dev.cairn.sim.NextBoot;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that a power loss leaves a prefix of what all processes did. Several
 * processes write, one makes checkpoints, and some are killed; then the power fails for all. In
 * each process, a force copies to files that stand for the disk, so what was stored differs from
 * what is durable.
 *
 * <p>Writer i puts A_i, C_i and B_i with the same number, one after the other. The values also have
 * the numbers of the others' A that the writer saw. The recovered store must hold a prefix of all
 * that happened. There must be no B without its C, no C without its A, and no number without its
 * causes. If a checkpoint returned, everything that was finished when it was requested must be
 * there. The canary is a disk that forgets what was forced.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PowerLossIT {
    private static final String SEED = "cairn.seed";
    private static final int WRITERS = 3;
    private static final int CHURNED = 5;
    private static final int PAGE_BYTES = 4096;
    private static final int IMAGES = 5;
    private static final int ROUNDS = 3;
    private static final int SOAK_ROUNDS = 100;
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** The lane of the ledger that notes what the last returned checkpoint covers. */
    private static final int CHECKPOINTS = WRITERS;

    private static final int COUNT = WRITERS;

    private static final Options OPTIONS =
            Options.defaults().withManualCheckpoints().withStripes(4);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();
    private final List<Process> processes = new ArrayList<>();
    private boolean forgetful;
    private int checkpoints;
    private int images;

    @AfterEach
    void end() {
        killAll();
        scale.close();
    }

    @Test
    void whatIsRecoveredIsAPrefixOfWhatAllProcessesDid() throws IOException {
        play(Long.getLong(SEED, System.nanoTime()), ROUNDS);
    }

    @Test
    @Tag("soak")
    void whatIsRecoveredIsAPrefixOfWhatAllProcessesDidAHundredTimes() throws IOException {
        play(Long.getLong(SEED, System.nanoTime()), SOAK_ROUNDS);
    }

    /** The canary: nothing was forced to the disk since the machine was started. */
    @Test
    void diskThatForgetsWhatWasForcedIsNoticed() throws IOException {
        forgetful = true;
        assertThatThrownBy(() -> play(1, 1)).isInstanceOf(AssertionError.class);
    }

    private void play(long seed, int rounds) throws IOException {
        System.out.printf(
                "PowerLossIT: seed %d; again: mvn verify -Dit.test=PowerLossIT -D%s=%d%n",
                seed, SEED, seed);
        SplittableRandom random = new SplittableRandom(seed);
        Path live = Files.createDirectory(directory.toRealPath().resolve("live"));
        Path store = live.resolve("store.cairn");
        Cairn.open(store, OPTIONS).close();
        for (int round = 0; round < rounds; round++) {
            Path last = round(store, random, "round " + round + " of seed " + seed);
            Files.move(last, store, REPLACE_EXISTING);
            Files.delete(beside(store, "-shm")); // it goes with the file that was there
        }
        System.out.printf(
                "PowerLossIT: %d rounds, %d checkpoints, %d disks judged%n",
                rounds, checkpoints, images);
        assertThat(checkpoints).isGreaterThan(rounds);
    }

    private static Path beside(Path store, String suffix) {
        return store.resolveSibling(store.getFileName() + suffix);
    }

    /** Plays one life of the machine. Returns the store after it, closed. */
    private Path round(Path store, SplittableRandom random, String name) throws IOException {
        boolean clean = random.nextBoolean();
        if (clean) {
            Cairn.open(store, OPTIONS).close(); // so that its shared memory is marked
        }
        Path disk = directory.toRealPath().resolve("disk");
        Files.createDirectories(disk);
        Files.copy(store, disk.resolve("store.cairn"), REPLACE_EXISTING);
        Path asStarted = directory.toRealPath().resolve("started.cairn");
        Files.copy(store, asStarted, REPLACE_EXISTING);
        Files.deleteIfExists(disk.resolve("store.cairn-shm"));
        if (clean) {
            Files.copy(beside(store, "-shm"), disk.resolve("store.cairn-shm"));
        }
        Path notes = directory.toRealPath().resolve("ledger");
        Files.deleteIfExists(notes);
        try (Ledger ledger = Ledger.at(notes)) {
            for (int lane = 0; lane <= WRITERS; lane++) {
                start(store, disk, notes, lane, random.nextLong());
            }
            await(ledger);
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(200_000)));
            for (int killed = random.nextInt(3); killed > 0; killed--) {
                processes.get(random.nextInt(processes.size())).destroyForcibly();
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(100_000)));
            }
            killAll();
            checkpoints += (int) ledger.returned(CHECKPOINTS, COUNT);
            Path crash = directory.toRealPath().resolve("crash.cairn");
            if (forgetful) {
                Files.copy(asStarted, disk.resolve("store.cairn"), REPLACE_EXISTING);
                Files.copy(asStarted, store, REPLACE_EXISTING);
            }
            for (int image = 0; image < IMAGES; image++) {
                lay(store, disk, crash, clean, random);
                judge(crash, ledger, name + ", disk " + image);
            }
            return crash;
        }
    }

    private void await(Ledger ledger) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (ledger.returned(CHECKPOINTS, COUNT) < 2
                || ledger.returned(0, 0) * ledger.returned(1, 0) * ledger.returned(2, 0) == 0) {
            if (System.nanoTime() > deadline
                    || processes.stream().anyMatch(process -> !process.isAlive())) {
                throw new AssertionError("the processes do not come to work");
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    private void start(Path store, Path disk, Path ledger, int lane, long seed) throws IOException {
        List<String> command = new ArrayList<>(Children.command());
        command.removeLast();
        command.addAll(
                List.of(
                        Working.class.getName(),
                        store.toString(),
                        disk.toString(),
                        ledger.toString(),
                        Integer.toString(lane),
                        Long.toString(seed)));
        processes.add(
                new ProcessBuilder(command)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start());
    }

    private void killAll() {
        processes.forEach(Process::destroyForcibly);
        processes.forEach(process -> process.onExit().join());
        processes.clear();
    }

    /**
     * Lays out what the disk holds after a crash: everything that was forced, and arbitrary pages
     * and words of the rest.
     */
    private static void lay(
            Path store, Path disk, Path crash, boolean clean, SplittableRandom random)
            throws IOException {
        for (String suffix : List.of("", "-shm", "-lock")) {
            Files.deleteIfExists(beside(crash, suffix));
        }
        byte[] data = mixed(store, disk.resolve("store.cairn"), random);
        int at = (int) DataHeader.OPEN_BLOCK_AT;
        byte[] block = Arrays.copyOfRange(data, at, at + PAGE_BYTES);
        System.arraycopy(NextBoot.openBlock(block), 0, data, at, PAGE_BYTES);
        Files.write(crash, data);
        if (clean) {
            byte[] shared = mixed(beside(store, "-shm"), disk.resolve("store.cairn-shm"), random);
            byte[] page = NextBoot.firstPage(Arrays.copyOf(shared, PAGE_BYTES), crash);
            System.arraycopy(page, 0, shared, 0, PAGE_BYTES);
            Files.write(beside(crash, "-shm"), shared);
        }
    }

    private static byte[] mixed(Path stored, Path forced, SplittableRandom random)
            throws IOException {
        byte[] now = Files.readAllBytes(stored);
        byte[] durable = Files.readAllBytes(forced);
        int length = random.nextInt(3) == 0 ? durable.length : now.length;
        byte[] mixed = Arrays.copyOf(durable, length);
        int share = random.nextInt(9); // of eight pages or words so many arrive
        boolean words = random.nextBoolean();
        int unit = words ? Long.BYTES : PAGE_BYTES;
        for (int at = 0; at < length; at += unit) {
            if (random.nextInt(8) < share) {
                System.arraycopy(now, at, mixed, at, Math.min(unit, length - at));
            }
        }
        return mixed;
    }

    private void judge(Path crash, Ledger ledger, String where) {
        images++;
        try (CairnStore store = Cairn.open(crash, OPTIONS)) {
            assertThat(store.recovery().kind()).as(where).isEqualTo(Kind.REBUILT);
            assertThat(store.verify().damages()).as(where).isEmpty();
            long[] numbers = new long[WRITERS];
            for (int lane = 0; lane < WRITERS; lane++) {
                Said a = said(store, "A" + lane);
                Said b = said(store, "B" + lane);
                numbers[lane] = a.number;
                assertThat(a.number).as(where).isBetween(b.number, b.number + 1);
                assertThat(b.number)
                        .as(where)
                        .isGreaterThanOrEqualTo(ledger.returned(CHECKPOINTS, lane));
                assertThat(a.number).as(where).isLessThanOrEqualTo(ledger.begun(lane, 0));
                for (int key = 0; key < CHURNED; key++) {
                    long c = said(store, churned(lane, key)).number;
                    assertThat(c).as(where).isLessThanOrEqualTo(a.number);
                    if (key == b.number % CHURNED) {
                        assertThat(c).as(where).isGreaterThanOrEqualTo(b.number);
                    }
                }
            }
            store.forEach((key, value) -> {
                Said said = Said.of(value, new String(key, UTF_8));
                for (int lane = 0; lane < WRITERS; lane++) {
                    assertThat(numbers[lane]).as(where).isGreaterThanOrEqualTo(said.seen[lane]);
                }
            });
            store.put("probe".getBytes(UTF_8), Said.value(0, new long[WRITERS], 100, "probe"));
        } catch (RuntimeException e) {
            throw new AssertionError(where, e);
        }
    }

    private static String churned(int lane, long number) {
        return "C" + lane + "/" + number % CHURNED;
    }

    private static Said said(CairnStore store, String key) {
        return Said.of(store.get(key.getBytes(UTF_8)), key);
    }

    /** What a value says. All of its bytes follow from that. */
    private record Said(long number, long[] seen) {
        private static final int HEADER_BYTES = Long.BYTES * (1 + WRITERS);

        static byte[] value(long number, long[] seen, int bytes, String key) {
            ByteBuffer value = ByteBuffer.allocate(HEADER_BYTES + bytes);
            value.putLong(number);
            for (long each : seen) {
                value.putLong(each);
            }
            while (value.hasRemaining()) {
                value.put((byte) (number + key.hashCode() + value.position()));
            }
            return value.array();
        }

        static Said of(byte @Nullable [] value, String key) {
            if (value == null) {
                return new Said(0, new long[WRITERS]);
            }
            ByteBuffer buffer = ByteBuffer.wrap(value);
            long number = buffer.getLong();
            long[] seen = new long[WRITERS];
            for (int lane = 0; lane < WRITERS; lane++) {
                seen[lane] = buffer.getLong();
            }
            assertThat(value).isEqualTo(value(number, seen, value.length - HEADER_BYTES, key));
            return new Said(number, seen);
        }
    }

    /** A process that writes forever, or makes checkpoints forever. */
    static final class Working {
        private final CairnStore store;
        private final Ledger ledger;
        private final int lane;
        private final SplittableRandom random;

        private Working(CairnStore store, Ledger ledger, int lane, long seed) {
            this.store = store;
            this.ledger = ledger;
            this.lane = lane;
            this.random = new SplittableRandom(seed);
        }

        /** The operands are the store, directory of the disk, ledger, lane and seed. */
        public static void main(String[] words) throws IOException {
            Path data = Path.of(words[0]);
            Path disk = Path.of(words[1]);
            Medium.use((file, from, to) -> copy(file, from, to, disk));
            CairnStore store = Cairn.open(data, OPTIONS);
            int lane = Integer.parseInt(words[3]);
            Working working =
                    new Working(
                            store, Ledger.at(Path.of(words[2])), lane, Long.parseLong(words[4]));
            if (lane == CHECKPOINTS) {
                working.checkpoints();
            } else {
                working.writes();
            }
        }

        private static void copy(MappedFile file, long from, long to, Path disk)
                throws IOException {
            Path name = file.path().getFileName();
            if (name.toString().startsWith(".")) {
                return; // the file has no name yet
            }
            ByteBuffer bytes = file.segment(to).asSlice(from, to - from).asByteBuffer();
            try (FileChannel channel =
                    FileChannel.open(
                            disk.resolve(name),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE)) {
                while (bytes.hasRemaining()) {
                    channel.write(bytes, from + bytes.position());
                }
            }
        }

        private void checkpoints() {
            for (long count = 1; ; count++) {
                long[] finished = new long[WRITERS];
                for (int writer = 0; writer < WRITERS; writer++) {
                    finished[writer] = ledger.returned(writer, 0);
                }
                long _ = store.checkpoint();
                for (int writer = 0; writer < WRITERS; writer++) {
                    ledger.acknowledge(CHECKPOINTS, writer, finished[writer]);
                }
                ledger.acknowledge(CHECKPOINTS, COUNT, count);
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(5_000)));
            }
        }

        private void writes() {
            long last = said(store, "A" + lane).number;
            for (long number = Math.max(1, last); ; number++) {
                if (number > last) {
                    ledger.begin(lane, 0, number);
                    put("A" + lane, number, 40);
                } else {
                    ledger.begin(lane, 0, last);
                }
                put(churned(lane, number), number, random.nextInt(16) == 0 ? 9_000 : 600);
                put("B" + lane, number, 40);
                ledger.acknowledge(lane, 0, number);
            }
        }

        private void put(String key, long number, int bytes) {
            long[] seen = new long[WRITERS];
            for (int writer = 0; writer < WRITERS; writer++) {
                seen[writer] = said(store, "A" + writer).number;
            }
            long _ =
                    store.put(
                            key.getBytes(UTF_8),
                            Said.value(number, seen, random.nextInt(bytes), key));
        }
    }
}
