package dev.cairn.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.format.BucketWords;
import dev.cairn.format.HashBits;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Attacks lookups, by comparison with each slot of the tables. */
@Timeout(60)
class IndexTest extends IndexFixture {
    @Test
    void everyEntryIsInItsSlotAndEveryOverflowCounts() {
        assertThat(check(0, entries))
                .as("entries away from home")
                .isGreaterThanOrEqualTo(AWAY_FROM_HOME);
    }

    /** Overflow counts must be lowered when entries leave. */
    @Test
    void countsAreRightAlsoWhenEntriesCameAndWent() {
        int first = 0;
        int away;
        do { // until the hash, whose seed is random, puts an entry elsewhere than at home
            for (int key = first; key < first + entries; key++) {
                store.remove(Content.key(key));
                store.put(Content.key(entries + key), Content.value(key, 1, 20));
            }
            first += entries;
            away = check(first, first + entries);
        } while (away == 0);
    }

    @Test
    void absentKeyIsOfferedTheFirstFreeSlotOnItsPath() {
        int walks = 0;
        for (int number = ABSENT; number < ABSENT + ABSENT_KEYS; number++) {
            byte[] key = Content.key(number);
            long hash = mapped.hash().of(key);
            StripeWords words = words(index.stripe(hash));
            long table = table(index.stripe(hash));
            assertThat(index.find(table, hash, key)).isNull();
            assertThat(index.pointsTo(words, hash, 4096)).isFalse();
            long[] path = path(hash);
            long freeAt = 0;
            int passed = 0;
            int walked = 0;
            for (int i = 0; i < path.length; i++) {
                if (freeAt == 0) {
                    freeAt = Index.freeSlot(memory(table), path[i]);
                    passed = i;
                }
                if (walked == 0
                        && BucketWords.overflow(Words.acquire(memory(table), path[i])) == 0) {
                    walked = i + 1;
                }
            }
            walks += walked > 1 ? 1 : 0;
            assertThat(index.locate(words, hash, key))
                    .isEqualTo(
                            new Index.Lookup(
                                    freeAt, 0, passed, walked == 0 ? path.length : walked));
            assertThat(index.touch(table, hash)).isEqualTo(Words.acquire(memory(table), path[0]));
        }
        assertThat(walks).as("walks that pass a bucket").isPositive();
    }

    /**
     * If no bucket of the path ends a walk, the walk must end all the same. Nothing is free either.
     */
    @Test
    void walkEndsWithItsPath() {
        long hash = mapped.hash().of(Content.key(ABSENT));
        int stripe = index.stripe(hash);
        long table = table(stripe);
        MemorySegment memory = memory(table);
        for (long at = TableWord.offset(table); at < end(table); at += BucketWords.BYTES) {
            Words.release(memory, at, BucketWords.withOverflow(0, BucketWords.MAX_OVERFLOW));
            for (int i = 0; i < BucketWords.SLOTS; i++) {
                Words.release(memory, at + BucketWords.FIRST_SLOT + 8L * i, SlotWord.of(4096, 0));
            }
        }
        assertThat(index.find(table, hash, Content.key(ABSENT))).isNull();
        assertThat(index.candidate(table, hash)).isEqualTo(Index.ABSENT);
        assertThat(index.addressOf(table, hash, SlotWord.of(8192, 0))).isZero();
        assertThat(index.locate(words(stripe), hash, Content.key(ABSENT)))
                .isEqualTo(new Index.Lookup(0, 0, 7, 8));
        long[] path = path(hash);
        long last = path[7] + BucketWords.FIRST_SLOT;
        assertThat(index.passed(words(stripe), hash, last)).isEqualTo(7);
        assertThat(index.passed(words(stripe), hash, 0))
                .as("buckets passed by a slot on no path")
                .isEqualTo(8);
        Words.release(memory, last, 0);
        assertThat(index.locate(words(stripe), hash, Content.key(ABSENT)))
                .isEqualTo(new Index.Lookup(last, 0, 7, 8));
        long mine = SlotWord.of(8192, HashBits.prefix(HashBits.rest(hash, 1)));
        index.swing(last, mine, HashBits.tag(hash));
        assertThat(index.addressOf(table, hash, mine)).isEqualTo(last);
        assertThat(index.candidate(table, hash)).isEqualTo(last);
        assertThat(Index.pointsTo(mapped.shared(), table, hash, 8192)).isTrue();
    }

    /** An entry there would be in no walk of another hash. */
    @Test
    void nothingIsFoundBehindTheEndOfAPath() {
        long hash = mapped.hash().of(Content.key(ABSENT));
        long table = table(index.stripe(hash));
        MemorySegment memory = memory(table);
        for (long at = TableWord.offset(table); at < end(table); at += BucketWords.BYTES) {
            for (int i = 0; i < BucketWords.SLOTS; i++) {
                Words.release(memory, at + BucketWords.FIRST_SLOT + 8L * i, 0);
            }
            Words.release(memory, at, BucketWords.withOverflow(0, BucketWords.MAX_OVERFLOW));
        }
        long seventh = path(hash)[7] - TableWord.offset(table);
        long stride = HashBits.stride(HashBits.tag(hash)) * BucketWords.BYTES;
        long eighth = (seventh + stride) % (end(table) - TableWord.offset(table));
        assertThat(path(hash)).doesNotContain(TableWord.offset(table) + eighth);
        long mine = SlotWord.of(8192, HashBits.prefix(HashBits.rest(hash, 1)));
        long at = TableWord.offset(table) + eighth + BucketWords.FIRST_SLOT;
        index.swing(at, mine, HashBits.tag(hash));
        assertThat(index.candidate(table, hash)).isEqualTo(Index.ABSENT);
        assertThat(index.addressOf(table, hash, mine)).isZero();
        assertThat(Index.pointsTo(mapped.shared(), table, hash, 8192)).isFalse();
        index.swing(path(hash)[7] + BucketWords.FIRST_SLOT, mine, HashBits.tag(hash));
        assertThat(Index.pointsTo(mapped.shared(), table, hash, 8192)).isTrue();
    }

    /**
     * If two keys have one hash, the record tells them apart, even while it is being overwritten.
     */
    @Test
    void otherKeyOfTheSameHashIsAbsent() {
        long hash = mapped.hash().of(Content.key(5));
        int stripe = index.stripe(hash);
        long table = table(stripe);
        Index.Found found = index.find(table, hash, Content.key(5));
        assertThat(found).isNotNull();
        assertThat(index.find(table, hash, Content.key(ABSENT))).isNull();
        assertThat(index.locate(words(stripe), hash, Content.key(ABSENT)).slot()).isZero();
        index.change(found.slotAt(), SlotWord.withCount(found.slot(), 1));
        assertThat(index.find(table, hash, Content.key(ABSENT))).isNull();
        index.change(found.slotAt(), found.slot());
    }

    /** Otherwise its entry would be taken for absent, and a put would hide it forever. */
    @ParameterizedTest
    @ValueSource(ints = {RecordLayout.HEADER_BYTES, RecordLayout.KEY_LENGTH})
    void damagedKeyIsNoOtherKey(int at) {
        byte[] key = Content.key(5);
        long hash = mapped.hash().of(key);
        int stripe = index.stripe(hash);
        Index.Found found = index.find(table(stripe), hash, key);
        assertThat(found).isNotNull();
        long place = SlotWord.offset(found.slot()) + at;
        MemorySegment data = mapped.data().memory();
        int sound = Words.intPlain(data, place);
        Words.setIntPlain(data, place, ~sound);
        assertThat(index.find(table(stripe), hash, key))
                .isEqualTo(new Index.Found(found.slotAt(), found.slot(), false));
        assertThatThrownBy(() -> index.locate(words(stripe), hash, key))
                .isInstanceOf(CorruptStore.class);
        Words.setIntPlain(data, place, sound);
        assertThat(index.find(table(stripe), hash, key)).isEqualTo(found);
    }

    @Test
    void walkIsNoLongerThanATableHasBuckets() {
        assertThat(Index.maxWalk(0)).isEqualTo(1);
        assertThat(Index.maxWalk(1)).isEqualTo(2);
        assertThat(Index.maxWalk(2)).isEqualTo(4);
        assertThat(Index.maxWalk(3)).isEqualTo(8);
        assertThat(Index.maxWalk(20)).isEqualTo(8);
    }

    @Test
    void tagIsStoredWithItsSlotWordAndStaysWhenThatIsGone() {
        long table = table(0);
        long at = TableWord.offset(table) + BucketWords.FIRST_SLOT + 3 * 8;
        long slot = SlotWord.of(8192, 77);
        index.swing(at, slot, 99);
        assertThat(index.slot(at)).isEqualTo(slot);
        assertThat(BucketWords.tag(meta(at), 3)).isEqualTo(99);
        index.swing(at, 0, 55);
        assertThat(index.slot(at)).isZero();
        assertThat(BucketWords.tag(meta(at), 3)).isEqualTo(99);
        index.change(at, slot);
        assertThat(index.slot(at)).isEqualTo(slot);
        assertThat(index.isUnchanged(words(0), table, at, slot)).isTrue();
        assertThat(index.isUnchanged(words(0), table, at, slot + 1)).isFalse();
        long other = TableWord.of(TableWord.offset(table) + SharedLayout.AREA_BYTES, 3, 0);
        assertThat(index.isUnchanged(words(0), other, at, slot)).isFalse();
        long larger = TableWord.of(TableWord.offset(table), TableWord.log2(table) + 1, 0);
        assertThat(index.isUnchanged(words(0), larger, at, slot)).isFalse();
        long hash = 0x0123_4567_89AB_CD42L;
        index.restore(new Index.Lookup(at, 0, 0, 1), 16_384, hash, 5);
        assertThat(SlotWord.offset(index.slot(at))).isEqualTo(16_384);
        assertThat(SlotWord.overwrites(index.slot(at))).isEqualTo(5);
        assertThat(BucketWords.tag(meta(at), 3)).isEqualTo(0x42);
        index.restore(new Index.Lookup(at, 0, 0, 1), 0, hash, 5);
        assertThat(index.slot(at)).isZero();
    }

    /**
     * If more entries passed than a byte can count, their number is not known. So such a count must
     * stay.
     */
    @Test
    void greatestOverflowCountStays() {
        long hash = mapped.hash().of(Content.key(ABSENT));
        StripeWords words = words(index.stripe(hash));
        long[] path = path(hash);
        int[] before = overflow(hash);
        index.raiseOverflow(words, hash, 0);
        assertThat(overflow(hash)).isEqualTo(before);
        index.raiseOverflow(words, hash, 2);
        assertThat(overflow(hash)[0]).isEqualTo(before[0] + 1);
        assertThat(overflow(hash)[1]).isEqualTo(before[1] + 1);
        assertThat(overflow(hash)[2]).isEqualTo(before[2]);
        index.lowerOverflow(words, hash, 2);
        assertThat(overflow(hash)).isEqualTo(before);
        MemorySegment memory = memory(table(index.stripe(hash)));
        long meta = Words.acquire(memory, path[0]);
        Words.release(memory, path[0], BucketWords.withOverflow(meta, 254));
        index.raiseOverflow(words, hash, 1);
        assertThat(overflow(hash)[0]).isEqualTo(255);
        index.raiseOverflow(words, hash, 1);
        index.lowerOverflow(words, hash, 1);
        assertThat(overflow(hash)[0]).isEqualTo(255);
    }

    private int[] overflow(long hash) {
        MemorySegment memory = memory(table(index.stripe(hash)));
        return Arrays.stream(path(hash))
                .mapToInt(at -> BucketWords.overflow(Words.acquire(memory, at)))
                .toArray();
    }

    @Test
    void stripeWithoutATableIsTold() {
        assertThatThrownBy(() -> index.find(0, 1, Content.key(1)))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("was replaced");
    }
}
