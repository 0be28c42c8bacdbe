package dev.cairn.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CacheModel;
import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.Verification;
import dev.cairn.format.BucketWords;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Beside;
import dev.cairn.index.Index;
import dev.cairn.index.Mapped;
import dev.cairn.log.Chain;
import dev.cairn.log.Records;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Attacks the verifier with one wrong word at a time, of which it must tell exactly that, and with
 * writes between any two of its looks, of which it must tell nothing.
 */
@Timeout(60)
class VerifierTest {
    private static final int SMALL = 400;
    private static final byte[] SUPERSEDED = Content.key(0);
    private static final byte[] REMOVED = Content.key(1);
    private static final byte[] OVERWRITTEN = Content.key(2);
    private static final byte[] WITH_RUN = Content.key(1_000);
    private static final byte[] LARGE_KEY = Content.key(7, 20_000);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();
    private CairnStore store;
    private Mapped mapped;
    private StripeWords words;

    /** What is done before and after the looks at which nobody writes, by their number. */
    private final Map<Integer, Runnable> beforeLooks = new HashMap<>();

    private final Map<Integer, Runnable> afterLooks = new HashMap<>();

    private int looks;
    private boolean isQuiet = true;
    private long supersededAt;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    @BeforeEach
    void open() throws IOException {
        System.setProperty("dev.cairn.region-bytes", "32768");
        store = Cairn.open(file(), Options.defaults().withStripes(1).withManualCheckpoints());
        store.put(SUPERSEDED, Content.value(0, 1, 300));
        map();
        supersededAt = SlotWord.offset(find(SUPERSEDED).slot());
        store.put(SUPERSEDED, Content.value(0, 2, 400));
        for (int key = 1; key < SMALL; key++) {
            store.put(Content.key(key), Content.value(key, 1, 100));
        }
        assertThat(store.remove(REMOVED)).isPositive();
        store.put(OVERWRITTEN, Content.value(2, 2, 100));
        store.put(WITH_RUN, Content.value(1_000, 1, 100_000));
        store.put(WITH_RUN, Content.value(1_000, 2, 90_000));
        store.put(LARGE_KEY, Content.value(7, 1, 10));
        store.put(Content.key(1_001), new byte[20_000]); // most of a region
        mapped.close();
        map(); // the file has grown
        assertThat(SlotWord.overwrites(find(OVERWRITTEN).slot())).isOne();
    }

    private void map() throws IOException {
        mapped = Beside.map(file());
        words = mapped.shared().stripe(0);
    }

    @AfterEach
    void close() {
        mapped.close();
        store.close();
        scale.close();
    }

    private Verification verify() {
        Verifier verifier =
                new Verifier(
                        mapped,
                        (_, look) -> {
                            beforeLooks.getOrDefault(looks, () -> {}).run();
                            look.run();
                            look.run(); // as if somebody had written during the first one
                            afterLooks.getOrDefault(looks, () -> {}).run();
                            looks++;
                            return isQuiet;
                        },
                        true);
        verifier.verify(0);
        return verifier.result();
    }

    private void isSound() {
        assertThat(verify().damages()).isEmpty();
    }

    /** Damages that contain these texts, one each, in this order. */
    private void isDamaged(String... texts) {
        List<String> damages = verify().damages();
        assertThat(damages).hasSize(texts.length);
        for (int i = 0; i < texts.length; i++) {
            assertThat(damages.get(i)).startsWith(file() + ": ").contains(texts[i]);
        }
    }

    private Index.Found find(byte[] key) {
        Index.Found found =
                mapped.index().find(mapped.shared().table(0), mapped.hash().of(key), key);
        assertThat(found).isNotNull();
        return found;
    }

    private void setSlot(byte[] key, long slot) {
        set(find(key).slotAt(), slot);
    }

    private void set(long slotAt, long slot) {
        Words.release(mapped.shared().covering(slotAt, Long.BYTES), slotAt, slot);
    }

    private void add(int field, long value) {
        words.release(field, words.acquire(field) + value);
    }

    private long slotOf(byte[] key, long offset) {
        return mapped.index().slotWord(offset, mapped.hash().of(key));
    }

    private String expectedSlot(long expected, long found) {
        return "expected slot word 0x%016x, which points to the newest record of a key, found 0x%016x"
                .formatted(expected, found);
    }

    private void damage(long at) {
        MemorySegment memory = mapped.data().remapped();
        byte old = memory.get(ValueLayout.JAVA_BYTE, at);
        memory.set(ValueLayout.JAVA_BYTE, at, (byte) (old ^ 4));
    }

    private Records.Outline outline(byte[] key) {
        return mapped.records().outlineLocked(SlotWord.offset(find(key).slot()));
    }

    private List<Chain.Entry> log() {
        List<Chain.Entry> log = new ArrayList<>();
        Chain.follow(mapped.data(), 0, Checkpointer.cut(words)).forEach(log::add);
        return log;
    }

    @Test
    void figuresAreThoseOfTheLog() {
        Verification found = verify();
        assertThat(found.damages()).isEmpty();
        assertThat(found.entries()).isEqualTo(store.stats().entries()).isEqualTo(SMALL + 2);
        List<Chain.Entry> log = log();
        assertThat(found.records()).isEqualTo(log.size()).isEqualTo(SMALL + 6);
        long recordBytes = log.stream().mapToLong(Chain.Entry::bytes).sum();
        assertThat(found.bytes()).isEqualTo(recordBytes + 90_000 + LARGE_KEY.length);
        assertThat(looks).isEqualTo(2); // one to repair, one to compare the counts
    }

    @Test
    void countsMustBeThoseOfTheLog() {
        long count = words.acquire(StripeWords.LIVE_COUNT);
        long bytes = words.acquire(StripeWords.LIVE_BYTES);
        long log = words.acquire(StripeWords.LOG_BYTES);
        String live =
                "stripe 0: expected %d live entries with %d bytes, as its descriptor says, found %d with %d bytes";
        add(StripeWords.LIVE_COUNT, 1);
        isDamaged(live.formatted(count + 1, bytes, count, bytes));
        add(StripeWords.LIVE_COUNT, -1);
        add(StripeWords.LIVE_BYTES, 16);
        isDamaged(live.formatted(count, bytes + 16, count, bytes));
        add(StripeWords.LIVE_BYTES, -16);
        add(StripeWords.LOG_BYTES, 16);
        isDamaged(
                "stripe 0: expected %d bytes of log, as its descriptor says, found %d"
                        .formatted(log + 16, log));
        assertThat(verify().uncomparedStripes()).isZero();
        isQuiet = false; // then the counts are not compared
        isSound();
        assertThat(verify().uncomparedStripes()).isEqualTo(1);
    }

    @Test
    void slotWordThatIsMissingIsToldByItsKey() {
        long slot = find(SUPERSEDED).slot();
        setSlot(SUPERSEDED, 0);
        isDamaged(expectedSlot(slot, 0));
    }

    @Test
    void slotWordMustNameTheNewestRecord() {
        long slot = find(SUPERSEDED).slot();
        long older = slotOf(SUPERSEDED, supersededAt);
        setSlot(SUPERSEDED, older);
        isDamaged(expectedSlot(slot, older), expectedSlot(slot, older));
        isQuiet = false; // what looks wrong may be a write
        isSound();
    }

    @Test
    void slotWordMustHaveTheCountOfItsRecord() {
        long slot = find(OVERWRITTEN).slot();
        setSlot(OVERWRITTEN, SlotWord.withCount(slot, 4));
        isDamaged(
                ("at byte %d: expected a record that was overwritten 2 times, as its slot word says,"
                                + " found a record that was overwritten 1 times")
                        .formatted(SlotWord.offset(slot)));
    }

    @Test
    void slotWordMustHaveTheHashBitsOfItsKey() {
        long slot = find(SUPERSEDED).slot();
        long other = slot ^ 1L << SlotWord.COUNT_BITS;
        setSlot(SUPERSEDED, other);
        isDamaged(
                "at byte %d: expected a record with the hash bits of slot word 0x%016x, found other hash bits"
                        .formatted(SlotWord.offset(slot), other),
                expectedSlot(slot, 0));
    }

    @Test
    void slotWordMustNameARecord() {
        long slot = find(SUPERSEDED).slot();
        long beside = SlotWord.offset(slot) + 16;
        long wrong = slotOf(SUPERSEDED, beside);
        setSlot(SUPERSEDED, wrong);
        isDamaged(
                "at byte %d: expected a record of stripe 0, since the index points there, found none"
                        .formatted(beside),
                expectedSlot(slot, wrong));
    }

    @Test
    void slotWordMustNotNameARemovalOrAPlaceOutsideOfTheFile() {
        Chain.Entry removal =
                log().stream()
                        .filter(entry -> entry.kind() == RecordLayout.TOMBSTONE)
                        .findFirst()
                        .orElseThrow();
        long slot = find(SUPERSEDED).slot();
        long at = find(SUPERSEDED).slotAt();
        for (long offset : new long[] {removal.offset(), mapped.data().bytes() + 64, 64}) {
            long wrong = SlotWord.moved(slot, offset);
            set(at, wrong);
            isDamaged(
                    "at byte %d: expected a record of stripe 0, since the index points there"
                            .formatted(offset),
                    expectedSlot(slot, wrong));
            set(at, slot);
        }
        isSound();
    }

    @Test
    void keyThatWasRemovedMustNotBeFound() {
        Chain.Entry put =
                log().stream()
                        .filter(entry -> Arrays.equals(entry.key(), REMOVED))
                        .findFirst()
                        .orElseThrow();
        store.put(REMOVED, Content.value(1, 3, 100));
        long at = find(REMOVED).slotAt();
        long bucketAt = BucketWords.bucketAt(at);
        long meta = Words.acquire(mapped.shared().covering(bucketAt, Long.BYTES), bucketAt);
        assertThat(store.remove(REMOVED)).isPositive();
        long slot = slotOf(REMOVED, put.offset());
        mapped.index().swing(at, slot, BucketWords.tag(meta, BucketWords.slotOf(at)));
        assertThat(find(REMOVED).slot()).isEqualTo(slot);
        isDamaged(expectedSlot(0, slot));
    }

    /** Two slot words of one key would both agree with the log. */
    @Test
    void eachEntryHasOneSlotWord() {
        long free = 0;
        for (int key = 10; free == 0; key++) {
            Index.Found found = find(Content.key(key));
            free = freeSlotBeside(found.slotAt());
            if (free != 0) {
                set(free, found.slot());
            }
        }
        isDamaged(
                "stripe 0: expected %d slot words, one for each live entry, found %d"
                        .formatted(SMALL + 2, SMALL + 3));
        words.release(StripeWords.BUILDING, 1); // somebody is at work
        isSound();
        words.release(StripeWords.BUILDING, 0);
    }

    /** A free slot of the same bucket; 0 if there is none. */
    private long freeSlotBeside(long slotAt) {
        long bucketAt = BucketWords.bucketAt(slotAt);
        MemorySegment memory = mapped.shared().covering(bucketAt, BucketWords.BYTES);
        for (int slot = 0; slot < BucketWords.SLOTS; slot++) {
            long at = bucketAt + BucketWords.FIRST_SLOT + (long) slot * Long.BYTES;
            if (Words.acquire(memory, at) == 0) {
                return at;
            }
        }
        return 0;
    }

    @Test
    void damagedRecordIsTheOnlyDamageThatIsTold() {
        long offset = outline(SUPERSEDED).offset();
        damage(offset + 100);
        add(StripeWords.LIVE_COUNT, 1);
        isDamaged("at byte %d: expected a record of stripe 0".formatted(offset));
        add(StripeWords.LIVE_COUNT, -1);
    }

    @Test
    void damagedRunIsTold() {
        long region = Place.region(outline(WITH_RUN).run());
        damage(mapped.data().regionAt(region) + 50_000);
        isDamaged(
                "at byte %d: expected a run with checksum"
                        .formatted(mapped.data().regionAt(region)));
    }

    @Test
    void damagedKeyInARunIsTold() {
        Records.Outline outline = outline(LARGE_KEY);
        damage(mapped.data().regionAt(Place.region(outline.run())) + RegionHeader.BYTES);
        isDamaged(
                "live entries",
                "bytes of log",
                "at byte %d: expected a run with the key of this record, which is not superseded"
                        .formatted(outline.offset()),
                "at byte %d: expected a record of stripe 0, since the index points there, found none"
                        .formatted(outline.offset()));
    }

    /** No record has a version that was not given yet; of many damages some are told. */
    @Test
    void versionsMustHaveBeenGiven() {
        long offset = log().get(2).offset();
        long version = words.acquire(StripeWords.VERSION);
        words.release(StripeWords.VERSION, 1);
        List<String> damages = verify().damages();
        words.release(StripeWords.VERSION, version);
        assertThat(damages).hasSize(Verification.MAX_DAMAGES);
        assertThat(damages.getFirst())
                .contains(
                        ("at byte %d: expected a record of stripe 0 with version 2 at most,"
                                        + " found one with version 3 and a key of stripe 0")
                                .formatted(offset));
    }

    /** Writes as they may come after the first look: entries change, come and go. */
    private void write() {
        for (int key = 10; key < 360; key++) {
            if (key % 3 == 0) {
                assertThat(store.remove(Content.key(key))).isPositive();
            } else {
                store.put(Content.key(key), Content.value(key, 5, 120));
            }
        }
        store.put(Content.key(2_000), new byte[40_000]);
        store.put(Content.key(8, 20_000), new byte[10]);
        store.put(WITH_RUN, new byte[70_000]);
        store.put(LARGE_KEY, new byte[20]);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void writesBetweenTheLooksAreNoDamage(int look) {
        beforeLooks.put(look, this::write);
        afterLooks.put(
                look,
                () -> {
                    store.put(REMOVED, new byte[10]);
                    for (int key = 20; key < 400; key++) {
                        store.put(Content.key(key), Content.value(key, 6, 100));
                    }
                });
        isSound();
    }

    /** What looked wrong is right by the time at which nobody writes. */
    @Test
    void slotWordThatChangedSinceIsNotJudged() {
        long slot = find(SUPERSEDED).slot();
        long at = find(SUPERSEDED).slotAt();
        set(at, slotOf(SUPERSEDED, SlotWord.offset(slot) + 16));
        beforeLooks.put(2, () -> set(at, slot));
        isSound();
        assertThat(looks).isEqualTo(3);
    }

    /** What looks wrong is looked at again, 256 keys at most in one hold. */
    @Test
    void suspectsAreJudgedAFewAtATime() {
        afterLooks.put(
                1,
                () -> {
                    for (int key = 2; key < 259; key++) {
                        assertThat(store.remove(Content.key(key))).isPositive();
                    }
                });
        isSound();
        assertThat(looks).isEqualTo(4);
    }

    /**
     * If regions leave a store that evicts while it is verified, all of it is looked at in one hold
     * the next time.
     */
    @ParameterizedTest
    @ValueSource(longs = {0, 1})
    void storeThatEvictsIsHeldTheLastTime(long wrong) throws IOException {
        Path cache = directory.resolve("cache");
        try (CairnStore evicting = Cairn.open(cache, CacheModel.quiet(1L << 21).withStripes(1))) {
            putThirtyThousand(evicting);
            try (Closing beside = new Closing(Beside.map(cache))) {
                StripeWords its = beside.mapped.shared().stripe(0);
                Verifier verifier =
                        new Verifier(
                                beside.mapped,
                                (_, look) -> {
                                    long count = its.acquire(StripeWords.LIVE_COUNT);
                                    its.release(StripeWords.LIVE_COUNT, count + wrong);
                                    look.run();
                                    its.release(StripeWords.LIVE_COUNT, count);
                                    if (looks++ == 0) {
                                        putThirtyThousand(evicting);
                                    }
                                    return true;
                                },
                                true);
                verifier.verify(0);
                assertThat(looks).isEqualTo(3); // two of the first time, and the hold
                List<String> damages = verifier.result().damages();
                assertThat(damages).hasSize((int) wrong);
                assertThat(damages).allMatch(damage -> damage.contains("live entries"));
                assertThat(verifier.result().entries()).isPositive();
            }
        }
    }

    private static void putThirtyThousand(CairnStore store) {
        for (int key = 0; key < 30_000; key++) {
            store.put(Content.key(key), new byte[100]);
        }
    }

    private record Closing(Mapped mapped) implements AutoCloseable {
        @Override
        public void close() {
            mapped.close();
        }
    }
}
