package dev.cairn.format;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

import java.util.function.LongBinaryOperator;

/**
 * Attacks words of bit fields: whatever goes into one must come out again and disturb no other
 * field. The canary is a match of tags that misses a slot.
 */
class BitFieldsTest {
    private static final long HIGHEST_PLACE = (1L << 40) - 1;
    private static final long HIGHEST_LOW = (1L << 24) - 1;

    @Property
    void placeKeepsBothHalves(
            @ForAll @LongRange(max = HIGHEST_PLACE) long high,
            @ForAll @LongRange(max = HIGHEST_LOW) long low) {
        long word = Place.word(high, low);
        assertThat(Place.high(word)).isEqualTo(high);
        assertThat(Place.low(word)).isEqualTo(low);
    }

    @Property
    void slotWordKeepsItsFields(
            @ForAll @LongRange(min = 1, max = HIGHEST_PLACE - 1) long unit,
            @ForAll @LongRange(max = (1L << SlotWord.HASH_BITS) - 1) long bits,
            @ForAll @IntRange(max = SlotWord.MOST + 1) int count) {
        long offset = unit * Place.UNIT_BYTES;
        long slot = SlotWord.of(offset, bits);
        assertThat(slot).isNotZero();
        assertThat(SlotWord.count(slot)).isZero();
        long counted = SlotWord.withCount(slot, count);
        assertThat(SlotWord.offset(counted)).isEqualTo(offset);
        assertThat(SlotWord.hashBits(counted)).isEqualTo(bits);
        assertThat(SlotWord.count(counted)).isEqualTo(count);
        assertThat(SlotWord.isChanging(counted)).isEqualTo(count % 2 == 1);
        assertThat(SlotWord.samePlace(slot, counted)).isTrue();
        assertThat(SlotWord.samePlace(slot, SlotWord.of(offset + Place.UNIT_BYTES, bits)))
                .isFalse();
        assertThat(SlotWord.samePlace(slot, SlotWord.of(offset, bits ^ 1))).isFalse();
        long moved = SlotWord.moved(counted, offset + Place.UNIT_BYTES);
        assertThat(SlotWord.offset(moved)).isEqualTo(offset + Place.UNIT_BYTES);
        assertThat(SlotWord.hashBits(moved)).isEqualTo(bits);
    }

    /** The image behind the tail must say what the record will say once it is in place. */
    @Property
    void anImageAndItsRecordSayTheSameCount(@ForAll @IntRange(max = SlotWord.MOST / 2) int n) {
        long slot = SlotWord.withCount(SlotWord.of(Place.UNIT_BYTES, 0), 2 * n);
        assertThat(SlotWord.overwrites(slot)).isEqualTo(n);
        if (n > 0) {
            assertThat(SlotWord.overwrites(SlotWord.withCount(slot, 2 * n - 1))).isEqualTo(n);
        }
    }

    @Property
    void tailAndRunWordsKeepRegionAndRest(
            @ForAll @LongRange(max = HIGHEST_PLACE - 1) long region,
            @ForAll @IntRange(max = DataHeader.MAX_REGION_BYTES / Place.UNIT_BYTES) int units) {
        long tail = Place.tail(region, (long) units * Place.UNIT_BYTES);
        assertThat(tail).isNotZero();
        assertThat(Place.region(tail)).isEqualTo(region);
        assertThat(Place.bytesInRegion(tail)).isEqualTo(units * Place.UNIT_BYTES);
        long run = Place.run(region, units);
        assertThat(Place.region(run)).isEqualTo(region);
        assertThat(Place.low(run)).isEqualTo(units);
    }

    @Property
    void tableWordKeepsItsFields(
            @ForAll @LongRange(max = HIGHEST_LOW) long unit,
            @ForAll @IntRange(max = TableWord.MAX_LOG2) int log2,
            @ForAll @LongRange(max = (1L << 35) - 1) long generation) {
        long offset = unit * SharedLayout.AREA_BYTES;
        long word = TableWord.of(offset, log2, generation);
        assertThat(TableWord.offset(word)).isEqualTo(offset);
        assertThat(TableWord.log2(word)).isEqualTo(log2);
        assertThat(TableWord.generation(word)).isEqualTo(generation);
        long next = TableWord.next(word);
        assertThat(TableWord.offset(next)).isEqualTo(offset);
        assertThat(TableWord.log2(next)).isEqualTo(log2);
        assertThat(TableWord.generation(next)).isEqualTo(generation + 1 & (1L << 35) - 1);
        assertThat(TableWord.bytes(log2) % SharedLayout.AREA_BYTES).isZero();
    }

    /** This holds for the highest generation too, whose carry would spill into the size. */
    @Example
    void lastGenerationIsFollowedByTheFirst() {
        long last = TableWord.of(SharedLayout.AREA_BYTES, 9, -1);
        assertThat(TableWord.next(last)).isEqualTo(TableWord.of(SharedLayout.AREA_BYTES, 9, 0));
    }

    @Property
    void ownerWordKeepsStripeAndNumber(
            @ForAll @IntRange(max = 4095) int stripe,
            @ForAll @LongRange(max = (1L << 51) - 1) long number) {
        long alive = OwnerWords.alive(stripe, number);
        long dead = OwnerWords.dead(alive);
        assertThat(OwnerWords.isAlive(alive)).isTrue();
        assertThat(OwnerWords.isAlive(dead)).isFalse();
        for (long word : new long[] {alive, dead}) {
            assertThat(OwnerWords.stripe(word)).isEqualTo(stripe);
            assertThat(OwnerWords.number(word)).isEqualTo(number);
        }
    }

    @Property
    void everyRegionHasOnePlaceInOneOwnerTable(@ForAll @LongRange(max = 1L << 45) long region) {
        int table = OwnerWords.table(region);
        assertThat(region - OwnerWords.firstOf(table))
                .isBetween(0L, OwnerWords.regionsOf(table) - 1);
        assertThat(OwnerWords.firstOf(table + 1))
                .isEqualTo(OwnerWords.firstOf(table) + OwnerWords.regionsOf(table));
    }

    /** More regions than 40 bits can name need no more tables than the directory has. */
    @Example
    void directoryReachesTheLastRegionThatCanBeNamed() {
        assertThat(OwnerWords.table(HIGHEST_PLACE - 1)).isLessThan(SharedLayout.DIRECTORY_ENTRIES);
    }

    @Property
    void lockWordKeepsSlotAndIncarnation(
            @ForAll @IntRange(max = SharedLayout.PROCESS_SLOTS - 1) int slot,
            @ForAll @LongRange(max = (1L << 52) - 1) long incarnation) {
        long word = LockWord.of(slot, incarnation);
        assertThat(word).isNotZero().isNotEqualTo(LockWord.ABANDONED);
        assertThat(LockWord.slot(word)).isEqualTo(slot);
        assertThat(LockWord.incarnation(word)).isEqualTo(incarnation);
    }

    @Property(tries = 5000)
    void tagMatchMissesNoSlot(@ForAll long meta, @ForAll @IntRange(min = 1, max = 255) int tag) {
        assertThat(missed(meta, tag, BucketWords::match)).isZero();
    }

    /** Random tags are seldom equal. Here they often are. */
    @Property(tries = 5000)
    void tagMatchMissesNoneOfSimilarTags(
            @ForAll @Size(7) byte @IntRange(min = -2, max = 2) [] near,
            @ForAll @IntRange(min = 3, max = 252) int tag,
            @ForAll @IntRange(max = 255) int overflow) {
        long meta = BucketWords.withOverflow(0, overflow);
        for (int slot = 0; slot < BucketWords.SLOTS; slot++) {
            meta = BucketWords.withTag(meta, slot, tag + near[slot] % 3);
        }
        assertThat(missed(meta, tag, BucketWords::match)).isZero();
        assertThat(BucketWords.overflow(meta)).isEqualTo(overflow);
    }

    /** The canaries: a match that leaves out the highest slot, and one that compares seven bits. */
    @Example
    void matchThatMissesASlotIsNoticed() {
        long meta = BucketWords.withTag(0, 6, 7);
        assertThat(missed(meta, 7, (m, t) -> BucketWords.match(m, t) & 0xFFFF_FFFF_FFFFL))
                .isPositive();
        assertThat(missed(meta, 7, (_, _) -> 0)).isPositive();
    }

    /** How many slots with that tag the match misses. The tags are compared byte by byte. */
    private static int missed(long meta, long tag, LongBinaryOperator match) {
        long found = match.applyAsLong(meta, tag);
        boolean[] has = new boolean[8];
        int claimed = 0;
        for (long rest = found; rest != 0; rest &= rest - 1) {
            int slot = BucketWords.slot(rest);
            assertThat(slot).isBetween(0, BucketWords.SLOTS - 1);
            has[slot] = true;
            claimed++;
        }
        assertThat(claimed).isLessThanOrEqualTo(BucketWords.SLOTS);
        int missed = 0;
        boolean equalBelow = false;
        for (int slot = 0; slot < BucketWords.SLOTS; slot++) {
            boolean equal = BucketWords.tag(meta, slot) == tag;
            missed += equal && !has[slot] ? 1 : 0;
            assertThat(has[slot] && !equal && !equalBelow)
                    .as("whether a slot matches wrongly without a true match below it")
                    .isFalse();
            equalBelow |= equal;
        }
        return missed;
    }

    @Property
    void metaWordKeepsTagsAndOverflowApart(
            @ForAll long meta,
            @ForAll @IntRange(max = 6) int slot,
            @ForAll @IntRange(max = 255) int tag,
            @ForAll @IntRange(max = 255) int overflow) {
        long tagged = BucketWords.withTag(meta, slot, tag);
        assertThat(BucketWords.tag(tagged, slot)).isEqualTo(tag);
        assertThat(BucketWords.overflow(tagged)).isEqualTo(BucketWords.overflow(meta));
        long counted = BucketWords.withOverflow(tagged, overflow);
        assertThat(BucketWords.overflow(counted)).isEqualTo(overflow);
        for (int other = 0; other < BucketWords.SLOTS; other++) {
            assertThat(BucketWords.tag(counted, other))
                    .isEqualTo(other == slot ? tag : BucketWords.tag(meta, other));
        }
    }

    @Property
    void slotAddressNamesBucketAndSlot(
            @ForAll @LongRange(max = 1L << 32) long bucket, @ForAll @IntRange(max = 6) int slot) {
        long at = bucket * BucketWords.BYTES + BucketWords.FIRST_SLOT + slot * 8L;
        assertThat(BucketWords.bucketAt(at)).isEqualTo(bucket * BucketWords.BYTES);
        assertThat(BucketWords.slotOf(at)).isEqualTo(slot);
    }

    @Property
    void bucketSplitsIntoItsTwoNeighboursWhenATableDoubles(
            @ForAll long hash,
            @ForAll @IntRange(max = 12) int stripesLog2,
            @ForAll @IntRange(max = 30) int log2) {
        long rest = HashBits.rest(hash, stripesLog2);
        assertThat(HashBits.stripe(hash, stripesLog2)).isBetween(0, (1 << stripesLog2) - 1);
        assertThat(HashBits.home(rest, log2)).isBetween(0L, (1L << log2) - 1);
        assertThat(HashBits.home(rest, log2 + 1) >>> 1).isEqualTo(HashBits.home(rest, log2));
        assertThat(HashBits.prefix(rest)).isBetween(0L, HIGHEST_LOW);
    }

    /** A rebuild relies on this: the hash bits in a slot word say the home bucket (RULE 14). */
    @Property
    void slotWordSaysTheHomeBucketOfTablesUpToItsBits(
            @ForAll long hash,
            @ForAll @IntRange(max = 12) int stripesLog2,
            @ForAll @IntRange(max = HashBits.PREFIX_BITS) int log2) {
        long rest = HashBits.rest(hash, stripesLog2);
        long known = HashBits.prefix(rest) << 64 - HashBits.PREFIX_BITS;
        assertThat(HashBits.home(known, log2)).isEqualTo(HashBits.home(rest, log2));
    }

    @Property
    void tagIsNeverThatOfAnUnusedSlotAndItsStrideIsOdd(@ForAll long hash) {
        long tag = HashBits.tag(hash);
        assertThat(tag).isBetween(1L, 255L);
        assertThat(HashBits.stride(tag) & 1).isEqualTo(1);
    }

    @Property
    void recordWordsKeepTheirFields(
            @ForAll @IntRange(min = 1, max = 3) int kind,
            @ForAll @IntRange(max = 15) int flags,
            @ForAll @IntRange int keyLength,
            @ForAll @IntRange int valueLength,
            @ForAll int checksum) {
        long control = RecordLayout.control(kind, flags) | checksum & 0xFFFF_FFFFL;
        long lengths = RecordLayout.lengths(keyLength, valueLength);
        assertThat(RecordLayout.kind(control)).isEqualTo(kind);
        assertThat(RecordLayout.flags(control)).isEqualTo(flags);
        assertThat(RecordLayout.keyLength(lengths)).isEqualTo(keyLength);
        assertThat(RecordLayout.valueLength(lengths)).isEqualTo(valueLength);
        assertThat(RecordLayout.plausible(control, lengths)).isTrue();
        assertThat(RecordLayout.plausible(control | 1L << 63, lengths)).isFalse();
        long bytes = RecordLayout.bytes(flags, keyLength, valueLength);
        assertThat(bytes % Place.UNIT_BYTES).isZero();
        assertThat(bytes).isGreaterThanOrEqualTo(RecordLayout.MIN_BYTES);
    }

    @Property
    void clockWordThatLostABitIsNone(
            @ForAll @LongRange(min = 1, max = ClockWord.FARTHEST) long origin,
            @ForAll long seed,
            @ForAll @IntRange(max = 63) int bit) {
        long word = ClockWord.of(origin, seed);
        assertThat(ClockWord.origin(word, seed)).isEqualTo(origin);
        assertThat(ClockWord.origin(word ^ 1L << bit, seed)).isZero();
        assertThat(ClockWord.origin(0, seed)).isZero();
    }
}
