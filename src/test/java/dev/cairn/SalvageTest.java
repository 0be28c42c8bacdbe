package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.cli.CommandLineFixture;
import dev.cairn.cli.CommandLineFixture.Result;
import dev.cairn.format.DataHeader;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.Stream;

/** Attacks salvage: what comes back of a damaged store, what is reported, and what is refused. */
@ExtendWith(NeverInPlace.class)
class SalvageTest {
    private static final int ENTRIES = 5_000;
    private static final int SECTOR_BYTES = 512;
    private static final Options MANUAL = Options.defaults().withManualCheckpoints();

    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir Path directory;
    private Path file;
    private Path target;

    @BeforeEach
    void nameFiles() {
        file = directory.resolve("store");
        target = directory.resolve("target");
    }

    private static byte[] key(int i) {
        return "key%06d".formatted(i).getBytes(UTF_8);
    }

    private static byte[] value(int i, int sequence) {
        return Content.value(i, sequence, 100);
    }

    private void fill(int times) {
        try (CairnStore store = Cairn.open(file, MANUAL)) {
            for (int sequence = 0; sequence < times; sequence++) {
                for (int i = 0; i < ENTRIES; i++) {
                    store.put(key(i), value(i, sequence));
                }
            }
        }
    }

    /** Destroys the sector in which a value begins. Returns where that is. */
    private int destroySectorOf(byte[] value) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int at = indexOf(bytes, value) & -SECTOR_BYTES;
        Arrays.fill(bytes, at, at + SECTOR_BYTES, (byte) 0xA5);
        Files.write(file, bytes);
        return at;
    }

    private static int indexOf(byte[] bytes, byte[] part) {
        for (int at = 0; ; at++) {
            if (ByteBuffer.wrap(bytes, at, part.length).equals(ByteBuffer.wrap(part))) {
                return at;
            }
        }
    }

    private void removeIndex() throws IOException {
        Files.delete(Path.of(file + "-shm"));
    }

    @Test
    void oneRottenSectorCostsWhatLayInIt() throws IOException {
        fill(1);
        removeIndex();
        destroySectorOf(value(77, 0));
        assertThatThrownBy(() -> Cairn.open(file))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("cairn salvage FILE TARGET");

        Salvage found = Cairn.salvage(file, target);

        assertThat(found.complete()).isFalse();
        assertThat(found.newest()).isTrue();
        assertThat(found.expected()).isEqualTo(ENTRIES);
        assertThat(found.entries()).isBetween(ENTRIES - 6L, ENTRIES - 1L);
        assertThat(found.uncertain()).isZero(); // every write is accounted for
        assertThat(found.lostBytes()).isBetween(128L, 1024L);
        assertThat(found.damages()).hasSizeBetween(1, 2); // the sector may hold a region's header
        assertThat(found.damages()).allMatch(damage -> damage.startsWith(file.toString()));
        try (CairnStore store = Cairn.open(target)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThat(store.size()).isEqualTo(found.entries());
            assertThat(store.verify().damages()).isEmpty();
            for (int i = 0; i < ENTRIES; i++) {
                byte[] value = store.get(key(i));
                assertThat(value == null || Arrays.equals(value, value(i, 0))).isTrue();
            }
            assertThat(store.get(key(77))).isNull();
        }
    }

    @Test
    void aSoundStoreComesBackWhole() throws IOException {
        fill(3);
        byte[] before = Files.readAllBytes(file);
        assertThat(Cairn.salvage(file, target).complete()).isTrue();
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
        try (CairnStore store = Cairn.open(target)) {
            assertThat(store.size()).isEqualTo(ENTRIES);
        }
        assertThat(directory.toFile().list((_, name) -> name.startsWith("."))).isEmpty();
    }

    @Test
    void timesOfExpiryAreKept() throws IOException {
        byte[] mortal = "mortal".getBytes(UTF_8);
        byte[] dead = "dead".getBytes(UTF_8);
        try (CairnStore store = Cairn.open(file, MANUAL.withStripes(4))) {
            store.put(mortal, value(1, 1), Duration.ofDays(1));
            store.put(dead, value(2, 2), Duration.ofMillis(1));
            store.put(key(3), value(3, 3));
        }
        assertThat(Cairn.salvage(file, target).complete()).isTrue();
        byte[] copy = Files.readAllBytes(target);
        byte[] original = Files.readAllBytes(file);
        // The expiry stands right before the key.
        int at = indexOf(original, mortal) - Long.BYTES;
        int copied = indexOf(copy, mortal) - Long.BYTES;
        assertThat(Arrays.copyOfRange(copy, copied, copied + Long.BYTES))
                .isEqualTo(Arrays.copyOfRange(original, at, at + Long.BYTES));
        try (CairnStore store = Cairn.open(target)) {
            assertThat(store.get(mortal)).isEqualTo(value(1, 1));
            assertThat(store.get(dead)).isNull();
            assertThat(store.stats().stripes()).isEqualTo(4);
        }
    }

    /**
     * An older value must be reported as such, or not be copied, or be known to be old by the
     * index.
     */
    @Test
    void whatMayBeOldIsTold() throws IOException {
        try (CairnStore store = Cairn.open(file, MANUAL.withStripes(1))) {
            store.put(key(1), value(1, 0));
            store.put(key(2), value(2, 0));
            store.put(key(1), value(1, 1));
            store.put(key(3), value(3, 0));
        }
        byte[] bytes = Files.readAllBytes(file);
        bytes[indexOf(bytes, value(1, 1)) + 40] ^= 1;
        Files.write(file, bytes);

        Path byIndex = directory.resolve("byIndex");
        Salvage certain = Cairn.salvage(file, byIndex);
        assertThat(certain.uncertain()).isZero();
        assertThat(certain.lostKeys()).contains(key(1));
        try (CairnStore store = Cairn.open(byIndex)) {
            assertThat(store.get(key(1))).isNull();
            assertThat(store.get(key(2))).isEqualTo(value(2, 0));
        }

        removeIndex();
        Salvage found = Cairn.salvage(file, target);
        assertThat(found.uncertainKeys()).containsExactlyInAnyOrder(key(1), key(2));
        assertThat(found.lostKeys()).containsExactly(key(1));
        try (CairnStore store = Cairn.open(target)) {
            assertThat(store.get(key(1))).isEqualTo(value(1, 0));
            assertThat(store.get(key(3))).isEqualTo(value(3, 0));
        }

        Path proven = directory.resolve("proven");
        Salvage onlyProven = Cairn.salvage(file, proven, true, (_, _) -> {});
        assertThat(onlyProven.uncertain()).isEqualTo(2);
        try (CairnStore store = Cairn.open(proven)) {
            assertThat(store.size()).isEqualTo(1);
            assertThat(store.get(key(3))).isEqualTo(value(3, 0));
        }
    }

    @Test
    void aDestroyedHeaderIsReadFromTheRest() throws IOException {
        fill(1);
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, 0, 4096, (byte) 0);
        Files.write(file, bytes);
        Salvage found = Cairn.salvage(file, target);
        assertThat(found.entries()).isEqualTo(ENTRIES);
        assertThat(found.damages()).first().asString().contains("at byte 0: expected a header");
        try (CairnStore store = Cairn.open(target)) {
            assertThat(store.get(key(9))).isEqualTo(value(9, 0));
        }
    }

    /** Removed keys must not come back, even if their removals were cleaned away. */
    @Test
    void withoutCheckpointsTheHeadersLeadAndAllIsUncertain() throws IOException {
        try (var _ = new SmallScale();
                CairnStore store = Cairn.open(file, MANUAL.withStripes(1))) {
            for (int round = 0; round < 30; round++) {
                for (int i = 0; i < 40; i++) {
                    store.put(key(i), value(i, round));
                    long _ = store.remove(key(i + 1000));
                    store.put(key(i + 1000), value(i, round));
                    long _ = store.remove(key(i + 1000));
                }
                long _ = store.checkpoint();
            }
        }
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(
                bytes,
                (int) DataHeader.CHECKPOINT_SLOTS_AT,
                (int) DataHeader.slotAt(2, 1),
                (byte) 7);
        Files.write(file, bytes);
        Salvage found = Cairn.salvage(file, target);
        assertThat(found.checkpoint()).isZero();
        assertThat(found.newest()).isFalse();
        assertThat(found.entries()).isEqualTo(40);
        assertThat(found.uncertain()).isEqualTo(40);
        try (CairnStore store = Cairn.open(target)) {
            for (int i = 0; i < 40; i++) {
                assertThat(store.get(key(i))).isEqualTo(value(i, 29));
                assertThat(store.get(key(i + 1000))).isNull();
            }
        }
    }

    @Test
    void whatIsNoStoreIsRefused() throws IOException {
        Files.createFile(file);
        assertThatThrownBy(() -> Cairn.salvage(file, target))
                .isInstanceOf(IncompatibleFormat.class)
                .hasMessageContaining(file.toString());
        Files.write(file, Content.value(1, 1, 100_000));
        assertThatThrownBy(() -> Cairn.salvage(file, target))
                .isInstanceOf(IncompatibleFormat.class)
                .hasMessageContaining("is not a Cairn store");
        requireNothingMade();
        Files.delete(file);
        assertThatThrownBy(() -> Cairn.salvage(file, target))
                .isInstanceOf(UncheckedIOException.class)
                .hasCauseInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> Cairn.salvage(directory, target))
                .isInstanceOf(IncompatibleFormat.class);
        requireNothingMade();
    }

    @Test
    void argumentsAreChecked() throws IOException {
        fill(1);
        assertThatThrownBy(() -> Cairn.salvage(null, target))
                .isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> Cairn.salvage(file, null))
                .isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> Cairn.salvage(file, target, false, null))
                .isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> Cairn.salvage(file, file))
                .hasCauseInstanceOf(FileAlreadyExistsException.class);
        Files.writeString(target, "precious");
        assertThatThrownBy(() -> Cairn.salvage(file, target))
                .hasCauseInstanceOf(FileAlreadyExistsException.class);
        assertThat(target).hasContent("precious");
        Path nowhere = directory.resolve("absent").resolve("target");
        assertThatThrownBy(() -> Cairn.salvage(file, nowhere))
                .isInstanceOf(UncheckedIOException.class);
    }

    @Test
    void aStoreThatIsOpenIsRefused() {
        fill(1);
        try (CairnStore store = Cairn.open(file)) {
            assertThatThrownBy(() -> Cairn.salvage(file, target))
                    .isInstanceOfSatisfying(
                            StoreInUse.class, e -> assertThat(e.path()).isEqualTo(file))
                    .hasMessageContaining("close it everywhere");
            store.put(key(1), value(1, 5)); // the store goes on
        }
        requireNothingMade();
        assertThat(Cairn.salvage(file, target).complete()).isTrue();
    }

    /** Even where the lock file does not tell, salvage must see who has the file open. */
    @Test
    void aStoreThatIsOpenWithoutItsLockFileIsRefused() throws IOException {
        Path copied = directory.resolve("copied");
        try (CairnStore store = Cairn.open(file, MANUAL)) {
            store.put(key(1), value(1, 5));
            Files.copy(file, copied);
            Files.delete(Path.of(file + "-lock"));
            assertThatThrownBy(() -> Cairn.salvage(file, target))
                    .isInstanceOf(StoreReplaced.class)
                    .hasMessageContaining("a process has the store open");
            assertThat(target).doesNotExist();
            assertThat(Cairn.salvage(copied, directory.resolve("ofCopy")).entries()).isEqualTo(1);
            store.put(key(2), value(2, 5)); // the store goes on
        }
        assertThat(Cairn.salvage(file, target).entries()).isEqualTo(2);
    }

    /**
     * A failed write left its record in a region that was given up, and the next write has its
     * version. A destroyed header leads the salvage to that region. Besides, a superseded record is
     * destroyed, so that as many writes are seen as there were.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWasNeverWrittenIsNotProven(boolean onlyProven) throws IOException {
        try (var _ = new SmallScale();
                CairnStore store = Cairn.open(file, MANUAL.withStripes(1))) {
            for (int i = 0; i < 40; i++) {
                store.put(key(i), value(i, 0));
            }
            store.put(key(100), value(100, 0));
            store.put(key(100), value(100, 1));
            Steps.listen(step -> {
                if (step.equals("W4")) {
                    throw new IllegalStateException("enough");
                }
            });
            try {
                assertThatThrownBy(() -> store.put(key(5), value(5, 9))).hasMessage("enough");
            } finally {
                Steps.listen(null);
            }
            assertThat(store.get(key(5))).isEqualTo(value(5, 0));
            store.put(key(101), value(101, 0));
        }
        removeIndex();
        byte[] bytes = Files.readAllBytes(file);
        assertThat(indexOf(bytes, value(5, 9))).isPositive();
        bytes[indexOf(bytes, value(100, 0)) + 40] ^= 1;
        int first = (int) DataHeader.slotAt(2, 1);
        int tail = (indexOf(bytes, value(101, 0)) - first) / SmallScale.REGION_BYTES;
        int at = first + tail * SmallScale.REGION_BYTES;
        Arrays.fill(bytes, at, at + 64, (byte) 0);
        Files.write(file, bytes);

        Salvage found = Cairn.salvage(file, target, onlyProven, (_, _) -> {});
        assertThat(found.lostRegions()).isEqualTo(1);
        try (CairnStore store = Cairn.open(target)) {
            byte[] value = store.get(key(5));
            boolean told = found.uncertainKeys().stream().anyMatch(k -> Arrays.equals(k, key(5)));
            assertThat(Arrays.equals(value, value(5, 0)) || told)
                    .as("whether the value is right or reported as uncertain")
                    .isTrue();
            assertThat(onlyProven && Arrays.equals(value, value(5, 9))).isFalse();
        }
    }

    /** However many records of a key are destroyed, one entry is lost. */
    @Test
    void aLostKeyIsCountedOnce() throws IOException {
        int times = 5;
        try (CairnStore store = Cairn.open(file, MANUAL.withStripes(1))) {
            for (int sequence = 0; sequence < times; sequence++) {
                store.put(key(1), value(1, sequence));
            }
        }
        removeIndex();
        byte[] bytes = Files.readAllBytes(file);
        for (int sequence = 0; sequence < times; sequence++) {
            bytes[indexOf(bytes, value(1, sequence)) + 40] ^= 1;
        }
        Files.write(file, bytes);
        Salvage found = Cairn.salvage(file, target);
        assertThat(found.expected()).isEqualTo(1);
        assertThat(found.lost()).isEqualTo(1);
        assertThat(found.lostKeys()).containsExactly(key(1));
    }

    /**
     * Whichever slot is destroyed, a time to live of an hour must stay an hour and not become a
     * year.
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void theClockOfTheStoreIsKept(int destroyedSlots) throws IOException {
        byte[] mortal = "mortal".getBytes(UTF_8);
        Duration year = Duration.ofDays(365);
        try (SetClocks clocks = new SetClocks()) {
            clocks.setWall(year);
            try (CairnStore store = Cairn.open(file, MANUAL.withStripes(4))) {
                store.put(mortal, value(1, 1), Duration.ofHours(1));
            }
            clocks.setWall(year.negated());
            byte[] bytes = Files.readAllBytes(file);
            int end = (int) DataHeader.slotAt(destroyedSlots, 4);
            Arrays.fill(bytes, (int) DataHeader.CHECKPOINT_SLOTS_AT, end, (byte) 7);
            Files.write(file, bytes);
            assertThat(Cairn.salvage(file, target).entries()).isEqualTo(1);
            try (CairnStore store = Cairn.open(target)) {
                assertThat(store.stats().clockAheadMillis())
                        .isGreaterThan(year.minusHours(1).toMillis());
                assertThat(store.get(mortal)).isEqualTo(value(1, 1));
                clocks.pass(Duration.ofHours(2));
                assertThat(store.get(mortal)).isNull();
            }
        }
    }

    @Test
    void keysThatAreListedTakeBoundedMemory() throws IOException {
        int length = 1 << 20;
        int keys = 20;
        try (CairnStore store = Cairn.open(file, MANUAL.withStripes(1))) {
            for (int i = 0; i < keys; i++) {
                store.put(Arrays.copyOf(key(i), length), value(i, 0));
            }
        }
        byte[] bytes = Files.readAllBytes(file);
        int end = (int) DataHeader.slotAt(2, 1);
        Arrays.fill(bytes, (int) DataHeader.CHECKPOINT_SLOTS_AT, end, (byte) 7);
        Files.write(file, bytes);
        Salvage found = Cairn.salvage(file, target);
        assertThat(found.entries()).isEqualTo(keys);
        assertThat(found.uncertain()).isEqualTo(keys);
        assertThat(found.uncertainKeys()).hasSize(Salvage.MAX_LISTED_BYTES / length);
    }

    @Test
    void anInterruptDoesNotEndIt() {
        fill(1);
        Thread.currentThread().interrupt();
        assertThat(Cairn.salvage(file, target).complete()).isTrue();
        assertThat(Thread.interrupted()).isTrue();
    }

    /** Whoever is told of the progress may end it. Then nothing may be left. */
    @Test
    void whatFailsLeavesNothing() {
        fill(1);
        assertThatThrownBy(() ->
                        Cairn.salvage(
                                file,
                                target,
                                false,
                                (entries, _) -> {
                                    if (entries == 100) {
                                        throw new IllegalStateException("enough");
                                    }
                                }))
                .hasMessage("enough");
        requireNothingMade();
        assertThat(Cairn.salvage(file, target).complete()).isTrue();
    }

    private void requireNothingMade() {
        assertThat(Files.exists(target)).isFalse();
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(each -> each.getFileName().toString()))
                    .allMatch(name -> name.startsWith("store"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void theCommandLineTellsWhatIsLost() throws IOException {
        fill(2);
        removeIndex();
        destroySectorOf(value(77, 1));

        assertThat(cairn.run("get", file, "k").err())
                .contains("'cairn salvage FILE TARGET'")
                .doesNotContain("cairn check");

        Result json = cairn.run("salvage", file, directory.resolve("json"), "--json");
        assertThat(json.exit()).as(json.err()).isZero();
        assertThat(json.out())
                .contains("\"complete\":false,", "\"expected\":5000,", "\"newest\":true,")
                .contains("\"uncertainKeys\":[\"key00")
                .hasLineCount(1);

        Result text = cairn.run("salvage", file, target);
        assertThat(text.exit()).isZero();
        assertThat(text.out()).startsWith(target + ": ").contains("of 5,000 entries of " + file);
        assertThat(text.out()).contains("  unreadable: ", "  uncertain: ", "    key000");
        assertThat(cairn.run("check", target).exit()).isZero();

        Result again = cairn.run("salvage", file, target);
        assertThat(again.exit()).isEqualTo(4);
        assertThat(again.err()).startsWith("cairn: " + target + ": the file exists already");

        Path proven = directory.resolve("proven");
        assertThat(cairn.run("salvage", file, proven, "--only-proven").out())
                .contains("left out: ");
    }
}
