package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CorruptStore;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Recovery.Kind;
import dev.cairn.format.DataHeader;
import dev.cairn.process.Ledger.Figure;
import dev.cairn.process.PictureJudge.Durable;
import dev.cairn.process.PicturedLane.Manner;
import dev.cairn.sim.NextBoot;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks the promises about power loss with a real file system and its kernel. Several processes
 * write to a store, and some are killed. At random instants pictures are taken of the block device
 * below the file system ({@link PicturedDisk}). Each picture is mounted, and its store opened as in
 * the next boot. It must be sound and hold exactly one cut, which is no older than what had been
 * acknowledged ({@link PictureJudge}).
 *
 * <p>A picture is opened in the same boot in which it was taken, and its shared-memory file and its
 * open block have the id of that boot. A power loss would have changed the kernel's boot id.
 * Instead, {@link NextBoot} changes those bytes of the picture, and no others. The shared-memory
 * file stays as it reached the device, and the store must see by itself that it is of no use (RULE
 * 5).
 *
 * <p>The canaries are a mixed content, a picture that is too old, a device that lost a block of the
 * log, and processes that do not force the log.
 */
@Tag("kernel")
@Timeout(value = 3000, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DevicePicturesIT {
    private static final String SEED = "cairn.seed";
    private static final String PICTURES = "cairn.pictures";

    /** How many pictures are taken of each file system. */
    private static final int DEFAULT_PICTURES = 120;

    /** How many pictures are taken of one store, in its two lives. */
    private static final int PICTURES_OF_A_STORE = 24;

    private static final int PICTURES_AT_ONCE = 3;
    private static final long LONGEST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(3);
    private static final Options OPTIONS = Options.defaults().withManualCheckpoints();
    private static final int STALE_BLOCKS = 8;
    private static final String HARMED = CorruptStore.class.getName();
    private static final int MIXED_FROM = 400;

    @RegisterExtension final Children children = new Children();

    private final List<Child> writers = new ArrayList<>();
    private SplittableRandom random = new SplittableRandom(0);
    private Counts counts = new Counts();
    private PicturedDisk disk;
    private Ledger ledger;
    private Diary diary;
    private PictureJudge judge;
    private Path notes;
    private Path store;

    /** What one play counts. */
    private static final class Counts {
        private int pictures;
        private int mixed;
        private int besideWriteBack;
        private int rebuilt;
        private int clean;
        private int kills;
        private int stores;
        private long writes;
        private long checkpoints;
        private long full;
        private long inPlace;
        private long replayedBytes;
        private long rolledBackWrites;
        private long rolledBackBytes;
        private int newer;
    }

    /** A picture, with what was durable before it and what had begun after it. */
    private record Picture(Path image, Durable before, long[] begun, String how) {}

    @AfterEach
    void end() throws IOException {
        killAll();
        closeNotes();
        if (disk != null) {
            disk.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs"})
    void eachPictureOfTheDeviceHoldsOneCutAndAllThatWasAcknowledged(String fileSystem)
            throws IOException {
        long seed = Long.getLong(SEED, System.nanoTime());
        int pictures = Integer.getInteger(PICTURES, DEFAULT_PICTURES);
        System.out.printf(
                "DevicePicturesIT: %s, seed %d; again: mvn verify -Pkernel -D%s=%d -D%s=%d%n",
                fileSystem, seed, SEED, seed, PICTURES, pictures);
        random = new SplittableRandom(seed);
        disk = PicturedDisk.with(fileSystem);
        long start = System.nanoTime();
        while (counts.pictures < pictures) {
            try {
                oneStore(Math.min(PICTURES_OF_A_STORE, pictures - counts.pictures));
            } catch (AssertionError e) {
                throw new AssertionError(
                        "%s, seed %d, store %d, picture %d"
                                .formatted(fileSystem, seed, counts.stores, counts.pictures),
                        e);
            }
        }
        report(fileSystem, System.nanoTime() - start);
        assertThat(counts.mixed).isPositive();
        assertThat(counts.rebuilt).isPositive();
        assertThat(counts.rolledBackWrites).isPositive();
    }

    private void report(String fileSystem, long nanos) {
        System.out.printf(
                "DevicePicturesIT: %s, %d s: %d pictures (%d of a device with a volatile cache, %d blocks"
                        + " of it older; %d beside a write-back) of %d stores; %d rebuilt, %d clean; %d"
                        + " writes (%d in place, %d full), %d checkpoints asked for, %d kills; %d bytes"
                        + " replayed, %d writes of %d bytes rolled back; %d at a checkpoint that had not"
                        + " returned when they were begun%n",
                fileSystem,
                TimeUnit.NANOSECONDS.toSeconds(nanos),
                counts.pictures,
                counts.mixed,
                disk.mixedBlocks(),
                counts.besideWriteBack,
                counts.stores,
                counts.rebuilt,
                counts.clean,
                counts.writes,
                counts.inPlace,
                counts.full,
                counts.checkpoints,
                counts.kills,
                counts.replayedBytes,
                counts.rolledBackWrites,
                counts.rolledBackBytes,
                counts.newer);
    }

    /**
     * One life ends by a kill of all processes, the other by a close. Pictures are taken during
     * each.
     */
    private void oneStore(int pictures) throws IOException {
        begin(counts.stores % 3 == 1 ? Manner.EACH_WRITE : Manner.CHECKPOINTS);
        int last = counts.pictures + pictures;
        while (counts.pictures < last - pictures / 2) {
            takeSome();
            killOne();
        }
        killAll();
        counts.kills += Diary.LANES;
        judged(picture());
        startAll(Manner.CHECKPOINTS);
        while (counts.pictures < last - PICTURES_AT_ONCE) {
            takeSome();
        }
        ledger.order(Ledger.STOP);
        takeSome();
        for (Child writer : writers) {
            assertThat(writer.answer()).isEqualTo("closed");
        }
        killAll(); // they are idle
        Recovery recovery =
                judge(new Picture(disk.take(), judge.everything(), judge.begun(), "closed"));
        assertThat(recovery.kind()).isEqualTo(Kind.CLEAN);
        endStore();
    }

    private void begin(Manner manner) throws IOException {
        notes = disk.scratch("notes" + counts.stores);
        store = Files.createDirectory(disk.directory().resolve("store" + counts.stores));
        store = store.resolve("store.cairn");
        ledger = Ledger.at(notes.resolve("ledger"));
        diary = Diary.in(notes);
        judge = new PictureJudge(ledger, diary);
        counts.stores++;
        startAll(manner);
    }

    /** @param manner the manner of the first lane; for the canary it is that of all lanes */
    private void startAll(Manner manner) {
        writers.clear();
        for (int lane = 0; lane < Diary.LANES; lane++) {
            boolean like = lane == 0 || manner == Manner.FORGETFUL;
            writers.add(start(lane, like ? manner : Manner.CHECKPOINTS));
        }
        await(() -> {
            for (int lane = 0; lane < Diary.LANES; lane++) {
                if (ledger.figure(lane, Figure.STATE) != Ledger.WORKING
                        || ledger.returned(lane, 0) < 10) {
                    return false;
                }
            }
            return true;
        });
    }

    private Child start(int lane, Manner manner) {
        ledger.set(lane, Figure.STATE, Ledger.STARTING);
        Child child = children.start();
        child.tell("pictured", store, notes, lane, random.nextLong(), manner);
        return child;
    }

    private interface Condition {
        boolean holds();
    }

    private void await(Condition condition) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.holds()) {
            writers.forEach(Child::requireNoComplaint);
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("the writers do not come to it");
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    private void endStore() throws IOException {
        counts.writes += ledger.sum(Figure.OPERATIONS);
        counts.checkpoints += ledger.sum(Figure.CHECKPOINTS);
        counts.full += ledger.sum(Figure.FULL);
        counts.inPlace += ledger.sum(Figure.MOVES);
        counts.rolledBackWrites += judge.rolledBackWrites();
        counts.newer += judge.newer();
        counts.rolledBackBytes += judge.rolledBackBytes();
        closeNotes();
        for (String suffix : List.of("", "-shm", "-lock")) {
            Files.deleteIfExists(Path.of(store + suffix));
        }
        Files.delete(store.resolveSibling(""));
    }

    private void closeNotes() {
        if (ledger != null) {
            ledger.close();
            diary.close();
            ledger = null;
        }
    }

    private void killOne() {
        if (random.nextBoolean()) {
            int lane = random.nextInt(Diary.LANES);
            kill(writers.get(lane));
            counts.kills++;
            writers.set(lane, start(lane, Manner.CHECKPOINTS)); // pictures are taken meanwhile
        }
    }

    private static void kill(Child writer) {
        writer.kill();
        writer.awaitDeath();
    }

    private void killAll() {
        writers.forEach(Child::kill);
        writers.forEach(Child::awaitDeath);
        writers.clear();
    }

    /** Takes pictures, and judges them while the writers go on. */
    private void takeSome() throws IOException {
        LockSupport.parkNanos(random.nextLong(LONGEST_WAIT_NANOS));
        List<Picture> taken = new ArrayList<>();
        for (int i = 0; i < PICTURES_AT_ONCE; i++) {
            boolean writeBack = random.nextInt(3) == 0;
            Process beside = writeBack ? disk.writeBack() : null;
            LockSupport.parkNanos(random.nextLong(TimeUnit.MILLISECONDS.toNanos(5)));
            taken.add(random.nextBoolean() ? picture() : mixedPicture());
            if (beside != null) {
                assertThat(beside.onExit().join().exitValue()).isZero();
                counts.besideWriteBack++;
            }
        }
        for (Picture picture : taken) {
            judged(picture);
        }
        writers.stream()
                .filter(_ -> ledger.order() != Ledger.STOP)
                .forEach(Child::requireNoComplaint);
    }

    private Picture picture() throws IOException {
        Durable before = judge.durable();
        return new Picture(disk.take(), before, judge.begun(), "one instant");
    }

    private Picture mixedPicture() throws IOException {
        Durable[] before = {judge.durable()};
        long older = disk.mixedBlocks();
        Path image = disk.takeMixed(random, () -> before[0] = judge.durable());
        if (image == null) {
            return picture();
        }
        counts.mixed += disk.mixedBlocks() > older ? 1 : 0;
        return new Picture(image, before[0], judge.begun(), "volatile cache");
    }

    private void judged(Picture picture) throws IOException {
        Path untouched = disk.copy(picture.image);
        Recovery recovery;
        try {
            recovery = judge(picture);
        } catch (AssertionError e) {
            throw new AssertionError("kept in " + keep(untouched), e);
        }
        Files.delete(untouched);
        counts.pictures++;
        counts.replayedBytes += recovery.bytes();
        if (recovery.kind() == Kind.CLEAN) {
            counts.clean++;
        } else {
            assertThat(recovery.kind()).isEqualTo(Kind.REBUILT);
            counts.rebuilt++;
        }
    }

    /**
     * Keeps the store of a picture that failed, with the notes of the lanes, for whoever
     * investigates.
     */
    private Path keep(Path picture) throws IOException {
        Path kept = Path.of(System.getProperty("java.io.tmpdir"), "wanting" + System.nanoTime());
        Files.createDirectory(kept);
        try (PicturedDisk.Mounted mounted = disk.mount(picture)) {
            copyAll(in(mounted).resolveSibling(""), kept);
        }
        copyAll(notes, kept);
        return kept;
    }

    private static void copyAll(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    /** Where the store lies in a picture. */
    private Path in(PicturedDisk.Mounted mounted) {
        return mounted.directory().resolve(disk.directory().relativize(store));
    }

    private Recovery judge(Picture picture) throws IOException {
        Recovery recovery;
        try (PicturedDisk.Mounted mounted = disk.mount(picture.image)) {
            recovery = judge(in(mounted), picture);
        }
        Files.delete(picture.image);
        return recovery;
    }

    private Recovery judge(Path there, Picture picture) throws IOException {
        toNextBoot(there);
        try (CairnStore opened = Cairn.open(there, OPTIONS)) {
            assertThat(opened.verify().damages()).isEmpty();
            judge.judge(opened, picture.before, picture.begun);
            long _ = opened.put(new byte[1], new byte[1]);
            long _ = opened.checkpoint();
            return opened.recovery();
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("picture of " + picture.how, e);
        }
    }

    private static void toNextBoot(Path data) throws IOException {
        change(data, DataHeader.OPEN_BLOCK_AT, NextBoot::openBlock);
        Path shared = Path.of(data + "-shm");
        if (Files.exists(shared) && Files.size(shared) >= DataHeader.BLOCK_BYTES) {
            change(shared, 0, page -> NextBoot.firstPage(page, data));
        }
    }

    private interface Change {
        byte[] of(byte[] block) throws IOException;
    }

    private static void change(Path file, long at, Change change) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer block = ByteBuffer.allocate(DataHeader.BLOCK_BYTES);
            int read = channel.read(block, at);
            if (read < DataHeader.BLOCK_BYTES) {
                throw new IOException(file + " ends at " + (at + read));
            }
            int written = channel.write(ByteBuffer.wrap(change.of(block.array())), at);
            assertThat(written).isEqualTo(DataHeader.BLOCK_BYTES);
        }
    }

    /** The canary: a content that no cut has. */
    @Test
    void contentThatIsAMixtureIsNoticed() throws IOException {
        disk = PicturedDisk.with("ext4");
        begin(Manner.CHECKPOINTS);
        await(() -> judge.durable().must()[0] > MIXED_FROM);
        pause();
        long[] none = new long[Diary.LANES];
        long[] all = judge.begun();
        Map<String, Long> content = new HashMap<>();
        for (int lane = 0; lane < Diary.LANES; lane++) {
            content.putAll(PictureJudge.contentAfter(lane, all[lane]));
        }
        assertThat(judge.cut(content, none, all)).hasSize(Diary.LANES);
        assertThatThrownBy(() -> judge.cut(content, none, fewer(all)))
                .hasMessageContaining("shows no prefix");

        Map<String, Long> mixed = new HashMap<>(content);
        mixed.putAll(hotKeys(PictureJudge.contentAfter(0, all[0] - MIXED_FROM / 2)));
        assertThatThrownBy(() -> judge.cut(mixed, none, all))
                .hasMessageContaining("nor an older one");

        Map<String, Long> behind = new HashMap<>(content);
        behind.keySet().removeIf(key -> key.startsWith("0/"));
        behind.putAll(PictureJudge.contentAfter(0, all[0] - MIXED_FROM / 2));
        assertThatThrownBy(() -> judge.cut(behind, none, all))
                .hasMessageContaining("missing from the cut");
        assertThatThrownBy(() -> judge.cut(behind, all, all))
                .hasMessageContaining("shows no prefix from " + all[0]);
    }

    private static long[] fewer(long[] operations) {
        long[] fewer = operations.clone();
        fewer[0] -= MIXED_FROM / 2;
        return fewer;
    }

    /** Some keys of a lane. */
    private static Map<String, Long> hotKeys(Map<String, Long> content) {
        Map<String, Long> some = new HashMap<>(content);
        some.keySet().retainAll(List.of("0/0", "0/1", "0/2"));
        return some;
    }

    /**
     * The canary: a picture that claims to have begun after a checkpoint was acknowledged, but
     * lacks that checkpoint.
     */
    @Test
    void pictureThatIsOlderThanACheckpointIsNoticed() throws IOException {
        disk = PicturedDisk.with("ext4");
        begin(Manner.CHECKPOINTS);
        Picture honest = picture();
        Path later = disk.take();
        Durable then = judge.durable();
        await(() -> judge.durable().epoch() > then.epoch() + 2);
        Picture late = new Picture(later, judge.durable(), judge.begun(), "canary");
        judged(honest);
        assertThatThrownBy(() -> judge(late))
                .isInstanceOf(AssertionError.class)
                .hasStackTraceContaining("was durable");
        killAll();
    }

    /** The canary: a device that lost one block of the newest checkpoint's log. */
    @Test
    void blockOfTheLogThatIsOlderIsNoticed() throws IOException {
        disk = PicturedDisk.with("ext4");
        begin(Manner.CHECKPOINTS);
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
        long[] written = pause();
        byte[] older = dataOf(disk.take());
        ledger.order(Ledger.GO);
        await(() -> ledger.returned(0, 0) > written[0] + 500);
        pause();
        Durable durable = judge.durable();
        assertThat(durable.must()).isEqualTo(judge.returned());
        byte[] newer = dataOf(disk.take());
        int noticed = 0;
        for (long last = durable.must()[0]; noticed < STALE_BLOCKS; last--) {
            assertThat(last).isGreaterThan(written[0]);
            int block = blockOf(last, newer);
            if (block > 0 && block + DataHeader.BLOCK_BYTES <= older.length) {
                Picture stale = new Picture(disk.take(), durable, judge.begun(), "canary");
                int to = block + DataHeader.BLOCK_BYTES;
                byte[] put = Arrays.copyOfRange(older, block, to);
                assertThat(put).isNotEqualTo(Arrays.copyOfRange(newer, block, to));
                assertThatThrownBy(() -> judgeWith(stale, block, put))
                        .as("block at %d of operation %d", block, last)
                        .isInstanceOf(AssertionError.class)
                        .hasStackTraceContaining(HARMED);
                noticed++;
            }
        }
        judged(new Picture(disk.take(), durable, judge.begun(), "the same, unharmed"));
    }

    /** Waits until nobody writes and a checkpoint has everything that was written. */
    private long[] pause() {
        ledger.order(Ledger.PAUSE);
        await(() -> Arrays.equals(judge.durable().must(), judge.begun()));
        return judge.returned();
    }

    private byte[] dataOf(Path picture) throws IOException {
        try (PicturedDisk.Mounted mounted = disk.mount(picture)) {
            return Files.readAllBytes(in(mounted));
        } finally {
            Files.delete(picture);
        }
    }

    /**
     * Where the block of the data file begins that holds the live value of an operation. Returns 0
     * if the value is not found in exactly one place.
     */
    private static int blockOf(long operation, byte[] data) {
        byte[] value = PicturedLane.value(0, operation);
        if (PicturedLane.removes(0, operation) || value.length > DataHeader.BLOCK_BYTES) {
            return 0;
        }
        String bytes = new String(data, ISO_8859_1);
        String searched = new String(value, ISO_8859_1);
        int at = bytes.indexOf(searched);
        boolean once = at > 0 && bytes.indexOf(searched, at + 1) < 0;
        return once ? at / DataHeader.BLOCK_BYTES * DataHeader.BLOCK_BYTES : 0;
    }

    private void judgeWith(Picture picture, int at, byte[] block) throws IOException {
        try (PicturedDisk.Mounted mounted = disk.mount(picture.image)) {
            Path there = in(mounted);
            change(there, at, _ -> block);
            judge(there, picture);
        }
    }

    /**
     * The canary: processes that force the slot of each checkpoint, but leave its log to the
     * kernel.
     */
    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs"})
    void checkpointsThatDoNotForceTheLogAreNoticed(String fileSystem) throws IOException {
        disk = PicturedDisk.with(fileSystem);
        begin(Manner.FORGETFUL);
        Durable first = judge.durable();
        await(() -> judge.durable().epoch() > first.epoch() + 10);
        Picture picture = picture();
        assertThatThrownBy(() -> judge(picture))
                .isInstanceOf(AssertionError.class)
                .hasStackTraceContaining(HARMED);
    }
}
