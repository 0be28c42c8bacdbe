package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.Appender.Placement;
import dev.cairn.log.Regions.Use;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;

/** Attacks chain and records with bytes that no writer wrote, though their checksums are right. */
@Timeout(60)
class ForgedChainTest extends ChainFixture {
    private static RegionHeader leading(RegionHeader header, long before, long number) {
        return new RegionHeader(header.region(), header.number(), STRIPE, 0, before, number);
    }

    private static void isCorrupt(ThrowingCallable call, String... texts) {
        assertThatThrownBy(call).isInstanceOf(CorruptStore.class).hasMessageContainingAll(texts);
    }

    private static List<Chain.Entry> behind(Chain chain, Cut cut) {
        List<Chain.Entry> behind = new ArrayList<>();
        chain.forEachBehind(cut, behind::add);
        return behind;
    }

    @Test
    void chainThatLeadsToALaterRegionIsDamage() {
        appendLarge(16);
        RegionHeader second = headers().get(1);
        Cut now = cut();
        setHeader(leading(second, second.predecessor(), second.number()));
        isCorrupt(
                () -> Chain.follow(data, STRIPE, now),
                "a region whose predecessor leads to region %d, the oldest of stripe 1"
                        .formatted(now.oldest() - 1),
                "region %d, number %d".formatted(second.predecessor() - 1, second.number()));
        // what it leads to is not read, as it may be before the cut
        assertThat(Chain.followBehind(data, STRIPE, now, Cut.EMPTY).regions())
                .extracting(RegionHeader::region)
                .containsExactly(second.region(), Place.region(now.tail()));
    }

    @Test
    void headerOfARunIsNoneOfAChain() {
        append(Content.key(1), new byte[100_000], 0);
        appendLarge(8);
        RegionHeader tail = headers().getLast();
        setHeader(
                new RegionHeader(
                        tail.region(),
                        tail.number(),
                        STRIPE,
                        2,
                        tail.predecessor(),
                        tail.predecessorNumber()));
        isCorrupt(this::headers, "the header of region " + tail.region());
    }

    /** The oldest region still names the one before it, which is another stripe's by now. */
    @Test
    void chainEndsWithItsOldestRegion() {
        appendLarge(23);
        RegionHeader gone = evacuateOldest();
        giveAway(gone.region());
        damage(data.regionAt(gone.region()) + 1);
        List<RegionHeader> headers = headers();
        assertThat(headers).hasSize(3);
        assertThat(headers.getFirst().predecessor()).isEqualTo(gone.region() + 1);
        assertThat(Chain.followBehind(data, STRIPE, cut(), Cut.EMPTY).regions()).isEqualTo(headers);
        assertThat(Chain.followBehind(data, STRIPE, Cut.EMPTY, Cut.EMPTY).regions()).isEmpty();
    }

    @Test
    void wholeChainIsReadFromAnyCutOn() {
        List<Cut> cuts = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            cuts.add(cut());
            appendLarge(1);
        }
        Chain chain = Chain.follow(data, STRIPE, cut());
        for (int i = 1; i < cuts.size(); i++) {
            are(behind(chain, cuts.get(i)), i);
        }
    }

    @Test
    void tailMustLieInItsRegion() {
        appendLarge(2);
        long region = data.regionOf(placements.getFirst().offset());
        long number = words.acquire(StripeWords.TAIL_NUMBER);
        String start = "at byte " + data.regionAt(region);
        for (int end : new int[] {48, REGION_BYTES + 16}) {
            Chain chain = Chain.region(data, STRIPE, region, number, Place.tail(region, end));
            String found = "found 64 to " + end;
            isCorrupt(() -> chain.forEach(_ -> {}), start, "a tail within the region", found);
            isCorrupt(() -> chain.forEachFrom(64, 100, _ -> {}), start, found);
        }
        Chain chain = Chain.region(data, STRIPE, region, number, cut().tail());
        isCorrupt(() -> chain.forEachFrom(48, 100, _ -> {}), start, "found 48 to");
        List<Chain.Entry> entries = new ArrayList<>();
        int _ = chain.forEachFrom(RegionHeader.BYTES, REGION_BYTES, entries::add);
        are(entries, 0);
    }

    @Test
    void recordThatExceedsTheTailIsDamage() {
        append(Content.key(1), new byte[2_000], 0);
        Placement last = append(Content.key(2), new byte[96], 0);
        damage(last.offset() + RecordLayout.VALUE_LENGTH + 1);
        isCorrupt(
                this::entries,
                "at byte " + last.offset(),
                "a record of 1152 bytes, 128 bytes before the end");
    }

    /** Appends a record whose reference to a run is forged. */
    private Placement appendForged(long run) {
        Draft draft = Draft.of(Content.key(5), new byte[100_000], 0, REGION_BYTES);
        Placement placement = appender.reserveCopy(draft.bytes(), null, Use.WRITE);
        assertThat(placement).isNotNull();
        byte[] image =
                data.recordBytes()
                        .image(STRIPE, placement.tailNumber(), placement.offset(), draft.bytes());
        var forged = new RecordBytes.Run(run, 8, 1, 2, draft.runContentBytes(), false);
        int keyAt = RecordBytes.putHeader(image, draft, 9, forged, 0);
        System.arraycopy(draft.key(), 0, image, keyAt, draft.key().length);
        RecordBytes.putChecksum(image, RecordBytes.checksumOf(image));
        byte[] record = new byte[draft.bytes()];
        System.arraycopy(image, RecordLayout.IDENTITY_BYTES, record, 0, record.length);
        appender.storeCopies(placement, record, record.length);
        commit(placement);
        return placement;
    }

    @Test
    void runMustLieInTheFile() {
        append(Content.key(1), new byte[100], 0);
        for (long run : new long[] {Place.run(REGIONS - 1, 2), Place.run(3, 3), 0}) {
            Cut before = cut();
            Placement forged = appendForged(run);
            isCorrupt(
                    this::entries,
                    "at byte " + forged.offset(),
                    "a record whose run 0x%016x lies outside the file".formatted(run));
            assertThat(records.outline(forged.offset())).isNull();
            words.release(StripeWords.TAIL, before.tail());
            appender.loadTail();
        }
        Placement within = appendForged(Place.run(REGIONS - 2, 2));
        assertThat(entries()).hasSize(2);
        assertThat(records.outline(within.offset())).isNotNull();
    }

    @Test
    void runMustHaveItsHeader() {
        Placement placement = append(Content.key(1), new byte[100_000], 0);
        RecordBytes.Run run = entries().getFirst().run();
        assertThat(Chain.checkRun(data, STRIPE, run)).isNull();
        damage(data.regionAt(Place.region(placement.run())) + 1);
        assertThat(Chain.checkRun(data, STRIPE, run))
                .isNotNull()
                .hasMessageContaining("the header of region " + Place.region(placement.run()));
    }

    private void setRecord(long at, int kind, int keyLength, int valueLength) {
        Words.setPlain(data.remapped(), at + RecordLayout.CRC, RecordLayout.control(kind, 0));
        if (data.bytesIntoRegion(at) < REGION_BYTES - 16) {
            Words.setPlain(
                    data.remapped(),
                    at + RecordLayout.KEY_LENGTH,
                    RecordLayout.lengths(keyLength, valueLength));
        }
    }

    /** Bytes of the next region never belong to a record. */
    @Test
    void recordEndsInItsRegion() {
        append(Content.key(1), new byte[64_000], 0);
        long end = data.regionAt(data.regionOf(placements.getFirst().offset()) + 1);
        long at = end - RecordLayout.MIN_BYTES;
        byte[] key = new byte[8];
        setRecord(at, RecordLayout.PUT, 8, 0);
        assertThat(records.match(at, key)).isEqualTo(Records.Match.SAME);
        assertThat(records.inline(at, key)).isNotNegative();
        assertThat(records.outline(at)).isNotNull();
        setRecord(at, RecordLayout.PUT, 8, 16);
        assertThat(records.match(at, key)).isEqualTo(Records.Match.SAME);
        assertThat(records.inline(at, key)).isEqualTo(Records.NOT_INLINE);
        assertThat(records.outline(at)).isNull();
        setRecord(at, RecordLayout.PUT, 24, 0);
        assertThat(records.match(at, new byte[24])).isEqualTo(Records.Match.NO_RECORD);
        setRecord(end - 16, RecordLayout.PUT, 0, 0);
        setWord(end, RecordLayout.lengths(24, 0));
        assertThat(records.match(end - 16, key)).isEqualTo(Records.Match.NO_RECORD);
        assertThat(records.outline(end - 16)).isNull();
    }

    @Test
    void recordOfAnEmptyValueIsInline() {
        Placement placement = append(Content.key(1), new byte[0], 0);
        long inline = records.inline(placement.offset(), Content.key(1));
        assertThat(inline).isZero();
        byte[] image = records.image(STRIPE, placement.offset(), Content.key(1), inline);
        records.requireSound(image, placement.offset());
    }

    @Test
    void outlineSaysWhatTheRecordSays() {
        Draft draft = Draft.of(Content.key(1), new byte[30_000], 77, REGION_BYTES).withHeat(9);
        Placement placement = append(draft, null);
        Records.Outline outline = records.outlineLocked(placement.offset());
        assertThat(outline.expires()).isEqualTo(77);
        assertThat(outline.heat()).isEqualTo(9);
        Placement large = append(Content.key(2, 20_000), Content.value(2, 1, 60_000), 0);
        Records.Outline inRun = records.outlineLocked(large.offset());
        assertThat(inRun.value().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
                .isEqualTo(Content.value(2, 1, 60_000));
    }

    @Test
    void damageOfAnEntryMayBeAnOlderCount() {
        Placement placement = append(Content.key(1), new byte[100], 0);
        Records.Outline outline = records.outlineLocked(placement.offset());
        long slot = dev.cairn.format.SlotWord.of(placement.offset(), 0);
        long at = placement.offset();
        assertThat(records.damage(STRIPE, outline, at, slot)).isNull();
        assertThat(records.damage(STRIPE, outline, at, slot + 2))
                .isNotNull()
                .hasMessageContaining(
                        "a record that was overwritten 1 times, as its slot word says");
    }

    @Test
    void anErrorShowsWhatIsThereInsteadOfAPut() {
        Placement removal = append(Content.key(1), null, 0);
        isCorrupt(
                () -> records.outlineLocked(removal.offset()),
                "at byte " + removal.offset(),
                "[1, 0, 0, 0, 0, 0, 0, 0, ");
        isCorrupt(() -> records.keyLocked(data.bytes()), "a place outside the file");
    }

    /** The loads are those of the first and the last word of the first 128 bytes. */
    @Test
    void recordIsTouchedInItsRegion() {
        append(Content.key(1), Content.value(1, 1, 64_000), 0);
        long region = data.regionAt(data.regionOf(placements.getFirst().offset()));
        for (int into : new int[] {64, 80, REGION_BYTES - 128, REGION_BYTES - 64}) {
            setWord(region + into, 3L * into);
            int last = Math.min(into + 128, REGION_BYTES) - 8;
            setWord(region + last, 5L * into);
            assertThat(records.touch(region + into)).isEqualTo(8L * into);
        }
        setWord(region + REGION_BYTES - 8, 77);
        assertThat(records.touch(region + REGION_BYTES - 8)).isEqualTo(2 * 77);
        setWord(region, 7);
        assertThat(records.touch(region)).isZero();
        assertThat(records.touch(data.memory().byteSize() + 64)).isZero();
        long beyond = data.memory().byteSize() - REGION_BYTES + 64;
        assertThat(records.touch(beyond)).isZero();
    }

    private void setWord(long at, long value) {
        Words.setPlain(data.remapped(), at, value);
    }
}
