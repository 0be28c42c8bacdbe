package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.log.Appender.Placement;
import dev.cairn.log.Regions.Use;

import org.junit.jupiter.api.BeforeEach;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The files of a closed store with one stripe that a test fills itself, record by record, as its
 * writer does.
 */
abstract class ChainFixture extends RegionsFixture {
    static final int REGION_BYTES = 1 << 16;
    static final int STRIPE = 1;
    static final int REGIONS = 40;

    Regions regions;
    Records records;
    Appender appender;
    StripeWords words;
    final List<Draft> drafts = new ArrayList<>();
    final List<Placement> placements = new ArrayList<>();

    @Override
    int regionBytes() {
        return REGION_BYTES;
    }

    @BeforeEach
    void emptyStripe() throws IOException {
        new Growth(data, shared, locks, new RegionCounts(data, shared, locks))
                .lengthen(count, REGIONS, REGIONS);
        for (long region = 0; region < REGIONS; region++) {
            makeFree(region);
        }
        set(SharedLayout.FREE_HINT, freeWord(3, REGIONS));
        regions = new Regions(data, shared, locks, data.bytes());
        records = new Records(data);
        words = shared.stripe(STRIPE);
        words.release(StripeWords.TAIL, 0);
        words.release(StripeWords.TAIL_NUMBER, 0);
        words.release(StripeWords.OLDEST, 0);
        words.release(StripeWords.OLDEST_NUMBER, 0);
        words.release(StripeWords.VERSION, 0);
        words.release(StripeWords.IN_PLACE_VERSION, 0);
        words.release(StripeWords.EVACUATED, 0);
        appender = new Appender(data, records, regions, words, STRIPE);
    }

    Placement append(byte[] key, byte[] value, long expires) {
        return append(Draft.of(key, value, expires, REGION_BYTES), null);
    }

    Placement append(Draft draft, Appender.Fold fold) {
        appender.loadTail();
        Placement placement = appender.reserve(draft, fold, Use.WRITE);
        assertThat(placement).isNotNull();
        drafts.add(draft);
        placements.add(placement);
        appender.write(draft, placement, drafts.size());
        commit(placement);
        return placement;
    }

    void commit(Placement placement) {
        words.release(StripeWords.TAIL, placement.tail());
        words.release(StripeWords.TAIL_NUMBER, placement.tailNumber());
        words.release(StripeWords.OLDEST, placement.oldest());
        words.release(StripeWords.OLDEST_NUMBER, placement.oldestNumber());
        words.release(StripeWords.NEXT, 0);
        words.release(StripeWords.NEXT_RUN, 0);
        words.release(StripeWords.VERSION, drafts.size());
        appender.loadTail();
    }

    /** Appends records around the lengths from which on one is stored in pieces or in a run. */
    void many() {
        for (int bytes :
                new int[] {
                    0, 1, 8, 200, 16_250, 16_344, 16_345, 16_400, 33_000, 40_000, 65_430, 65_448,
                    65_449, 100_000, 200_000
                }) {
            append(Content.key(bytes + 1), Content.value(bytes, 1, bytes), bytes % 3 == 0 ? 0 : 99);
            append(Content.key(-1 - bytes), null, 0);
        }
        append(Content.key(7, 20_000), Content.value(7, 1, 10), 0);
        append(Content.key(8, 40_000), Content.value(8, 1, 100_000), 77);
        append(Content.key(9, 50_000), null, 0);
        append(Content.key(7, 16_368), Content.value(7, 1, 10), 0);
    }

    Cut cut() {
        return new Cut(
                words.acquire(StripeWords.OLDEST),
                words.acquire(StripeWords.OLDEST_NUMBER),
                words.acquire(StripeWords.TAIL),
                words.acquire(StripeWords.TAIL_NUMBER),
                drafts.size(),
                0,
                0);
    }

    List<Chain.Entry> entries() {
        List<Chain.Entry> entries = new ArrayList<>();
        Chain.follow(data, STRIPE, cut()).forEach(entries::add);
        return entries;
    }

    /** Compares entries with what was appended, from the given one on. */
    void are(List<Chain.Entry> entries, int first) {
        assertThat(entries).hasSize(drafts.size() - first);
        for (int i = 0; i < entries.size(); i++) {
            Chain.Entry entry = entries.get(i);
            Draft draft = drafts.get(first + i);
            assertThat(entry.version()).isEqualTo(first + i + 1);
            assertThat(entry.kind()).isEqualTo(draft.kind());
            assertThat(entry.key()).isEqualTo(draft.key());
            assertThat(entry.expires()).isEqualTo(draft.expires());
            assertThat(entry.bytes()).isEqualTo(draft.bytes());
            assertThat(entry.liveBytes()).isEqualTo(draft.liveBytes(REGION_BYTES));
            assertThat(entry.offset()).isEqualTo(placements.get(first + i).offset());
            assertThat(entry.overwrites()).isZero();
            assertThat(entry.gone()).isFalse();
            assertThat(entry.run() == null).isEqualTo(draft.runRegions(REGION_BYTES) == 0);
        }
    }

    /** Changes a byte; changes it back if it is called again. */
    void damage(long at) {
        MemorySegment memory = data.remapped();
        byte old = memory.get(ValueLayout.JAVA_BYTE, at);
        memory.set(ValueLayout.JAVA_BYTE, at, (byte) (old ^ 4));
    }

    /** Appends the copy of a record, as cleaning does, and no version. */
    Placement appendCopy(Chain.Entry entry) {
        Placement placement = appender.reserveCopy(entry.bytes(), null, Use.WRITE);
        assertThat(placement).isNotNull();
        appender.copy(
                entry,
                data.number(data.regionOf(entry.offset())),
                placement.offset(),
                placement.tailNumber());
        commit(placement);
        return placement;
    }

    /** Appends entries of 9,040 bytes, of which a region has room for seven. */
    void appendLarge(int entries) {
        for (int i = 0; i < entries; i++) {
            append(Content.key(drafts.size()), Content.value(drafts.size(), 1, 9_000), 0);
        }
    }

    /** The headers of the chain, the oldest first. */
    List<RegionHeader> headers() {
        return Chain.follow(data, STRIPE, cut()).regions();
    }

    /** Takes the oldest region out of the chain, as its evacuation does. */
    RegionHeader evacuateOldest() {
        List<RegionHeader> headers = headers();
        RegionHeader oldest = headers.getFirst();
        words.release(StripeWords.OLDEST, headers.get(1).region() + 1);
        words.release(StripeWords.OLDEST_NUMBER, headers.get(1).number());
        words.release(StripeWords.EVACUATED, oldest.number());
        bury(oldest.region(), oldest.number());
        return oldest;
    }

    /** Leaves the owner of a region, whose bytes stay until another one claims it. */
    void bury(long region, long number) {
        own(region, OwnerWords.dead(OwnerWords.alive(STRIPE, number)), EPOCH, EPOCH, 0);
    }

    /** Lets the other stripe claim a region. */
    void giveAway(long region) {
        own(region, OwnerWords.alive(0, data.number(region) + 1_000), EPOCH, 0, 0);
    }

    /** Replaces the header of a region by one that has a right checksum. */
    void setHeader(RegionHeader header) {
        byte[] bytes = header.encode(data.header().storeId());
        MemorySegment.copy(
                bytes,
                0,
                data.remapped(),
                ValueLayout.JAVA_BYTE,
                data.regionAt(header.region()),
                bytes.length);
    }
}
