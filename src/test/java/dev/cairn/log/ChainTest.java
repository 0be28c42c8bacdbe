package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.Appender.Placement;
import dev.cairn.log.Regions.Use;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;

/**
 * Attacks the chain of a stripe: what was appended must be what the chain has, byte by byte and in
 * order. Anything else must be reported as damage.
 */
@Timeout(60)
class ChainTest extends ChainFixture {
    @Test
    void whatWasAppendedIsReadAgain() {
        many();
        are(entries(), 0);
        for (int i = 0; i < drafts.size(); i++) {
            Draft draft = drafts.get(i);
            Records.Outline outline = records.outlineAnyLocked(placements.get(i).offset());
            Records.Copy copy = records.copy(STRIPE, outline);
            records.requireSound(STRIPE, copy);
            assertThat(copy.key()).isEqualTo(draft.key());
            assertThat(copy.value()).isEqualTo(draft.value());
            assertThat(outline.key()).isEqualTo(draft.key());
            assertThat(outline.hasKey(draft.key())).isTrue();
            assertThat(outline.hasKey(new byte[draft.key().length])).isFalse();
            assertThat(outline.hasKey(new byte[3])).isFalse();
            assertThat(outline.liveBytes()).isEqualTo(draft.liveBytes(REGION_BYTES));
            assertThat(outline.runNumber()).isEqualTo(placements.get(i).runNumber());
            assertThat(outline.run()).isEqualTo(placements.get(i).run());
            assertThat(outline.value().byteSize()).isEqualTo(draft.value().length);
            assertThat(outline.isPlain()).isEqualTo(draft.isInlinePut() && draft.expires() == 0);
            assertThat(damageOf(outline)).isNull();
            boolean put = draft.kind() == RecordLayout.PUT;
            assertThat(records.match(outline.offset(), draft.key()))
                    .isEqualTo(put ? Records.Match.SAME : Records.Match.NO_RECORD);
            if (put) {
                assertThat(records.match(outline.offset(), new byte[draft.key().length]))
                        .isEqualTo(Records.Match.OTHER);
                assertThat(records.keyLocked(outline.offset())).isEqualTo(draft.key());
            }
        }
    }

    /** RULE 1: each byte of a record or run belongs to its checksum. */
    @Test
    void everyDamagedByteIsNoticed() {
        many();
        for (int i = 0; i < drafts.size(); i++) {
            Placement placement = placements.get(i);
            Records.Outline outline = records.outlineAnyLocked(placement.offset());
            RecordBytes.Run run = outline.header().run();
            int bytes = drafts.get(i).bytes();
            for (int at : new int[] {0, bytes / 2, bytes - 1}) {
                damage(placement.offset() + at);
                assertThatThrownBy(this::entries)
                        .isInstanceOf(CorruptStore.class)
                        .hasMessageContaining("at byte " + placement.offset());
                assertThat(damageOf(outline)).isNotNull();
                damage(placement.offset() + at);
            }
            if (run != null) {
                long content = data.regionAt(Place.region(run.word())) + RegionHeader.BYTES;
                long last = content + run.contentBytes() - 1;
                for (long at : new long[] {content, (content + last) / 2, last}) {
                    damage(at);
                    Chain chain = Chain.follow(data, STRIPE, cut());
                    assertThat(Chain.checkRun(data, STRIPE, run)).isNotNull();
                    assertThatThrownBy(() -> chain.requireRun(run))
                            .isInstanceOf(CorruptStore.class);
                    assertThat(damageOf(outline)).isNotNull();
                    Records.Copy copy = records.copy(STRIPE, outline);
                    assertThatThrownBy(() -> records.requireSound(STRIPE, copy))
                            .isInstanceOf(CorruptStore.class)
                            .hasMessageContaining("a run with checksum");
                    Chain.Entry read = entries().get(i);
                    assertThat(read.gone()).isEqualTo(run.hasKey());
                    assertThat(read.key())
                            .isEqualTo(run.hasKey() ? new byte[0] : drafts.get(i).key());
                    damage(at);
                    assertThat(Chain.checkRun(data, STRIPE, run)).isNull();
                }
            }
        }
        are(entries(), 0);
    }

    private CorruptStore damageOf(Records.Outline outline) {
        long slot = SlotWord.of(outline.offset(), 0);
        return records.damage(STRIPE, outline, outline.offset(), slot);
    }

    @Test
    void recordsBehindACutAreReadFromThere() {
        List<Cut> cuts = new ArrayList<>();
        cuts.add(Cut.EMPTY);
        for (int i = 0; i < 30; i++) {
            append(Content.key(i), Content.value(i, 1, 9_000), 0);
            cuts.add(cut());
        }
        Cut now = cut();
        assertThat(Chain.follow(data, STRIPE, now).regions()).hasSizeGreaterThan(3);
        for (int i = 0; i < cuts.size(); i++) {
            List<Chain.Entry> entries = new ArrayList<>();
            Cut earlier = cuts.get(i);
            Chain behind = Chain.followBehind(data, STRIPE, now, earlier);
            behind.forEachBehind(earlier, entries::add);
            are(entries, i);
            if (i > 0) {
                assertThat(behind.regions().getFirst().number()).isEqualTo(earlier.tailNumber());
            }
        }
    }

    @Test
    void chainThatIsNotWhatItsEndsSayIsDamage() {
        for (int i = 0; i < 20; i++) {
            append(Content.key(i), Content.value(i, 1, 9_000), 0);
        }
        Cut now = cut();
        List<RegionHeader> all = Chain.follow(data, STRIPE, now).regions();
        assertThat(all).hasSize(3);
        for (int i = 1; i < all.size(); i++) {
            assertThat(all.get(i).predecessor()).isEqualTo(all.get(i - 1).region() + 1);
            assertThat(all.get(i).predecessorNumber()).isEqualTo(all.get(i - 1).number());
        }
        long oldest = now.oldest();
        long number = now.oldestNumber();
        long tail = now.tail();
        long tailNumber = now.tailNumber();
        for (Cut wrong :
                List.of(
                        new Cut(oldest + 1, number, tail, tailNumber, 9, 0, 0),
                        new Cut(oldest, number + 1, tail, tailNumber, 9, 0, 0),
                        new Cut(oldest, number, tail, tailNumber + 1, 9, 0, 0),
                        new Cut(oldest, number, Place.tail(REGIONS, 64), tailNumber, 9, 0, 0),
                        new Cut(
                                oldest,
                                number,
                                Place.tail(REGIONS - 1, 64),
                                tailNumber,
                                9,
                                0,
                                0))) {
            assertThatThrownBy(() -> Chain.follow(data, STRIPE, wrong))
                    .isInstanceOf(CorruptStore.class);
        }
        assertThatThrownBy(() -> Chain.follow(data, 0, now)).isInstanceOf(CorruptStore.class);
        Cut beyond = new Cut(oldest, number, tail + 1, tailNumber, 9, 0, 0);
        assertThatThrownBy(() -> Chain.follow(data, STRIPE, beyond).forEach(_ -> {}))
                .isInstanceOf(CorruptStore.class);
        Cut cycle = new Cut(oldest, number - 1, tail, tailNumber, 9, 0, 0);
        assertThatThrownBy(() -> Chain.follow(data, STRIPE, cycle))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("a region whose predecessor leads to region");
        assertThat(Chain.follow(data, STRIPE, Cut.EMPTY).regions()).isEmpty();
        assertThat(Chain.followBehind(data, STRIPE, Cut.EMPTY, now).regions()).isEmpty();
    }

    @Test
    void windowsOfARegionHaveEachRecordOnce() {
        for (int i = 0; i < 12; i++) {
            append(Content.key(i), Content.value(i, 1, i % 3 == 0 ? 9_000 : 50), 0);
        }
        long tail = words.acquire(StripeWords.TAIL);
        long number = words.acquire(StripeWords.TAIL_NUMBER);
        Chain chain = Chain.region(data, STRIPE, Place.region(tail), number, tail);
        for (int window : new int[] {1, 23, 24, 100, 4_096, 9_100, REGION_BYTES}) {
            List<Chain.Entry> entries = new ArrayList<>();
            int at = RegionHeader.BYTES;
            while (chain.hasRecordAt(at)) {
                int next = chain.forEachFrom(at, window, entries::add);
                assertThat(next).isGreaterThan(at);
                at = next;
            }
            assertThat(at).isEqualTo(Place.bytesInRegion(tail));
            are(entries, 0);
        }
        List<Chain.Entry> taken = new ArrayList<>();
        int next =
                chain.takeFrom(
                        RegionHeader.BYTES,
                        REGION_BYTES,
                        entry -> {
                            taken.add(entry);
                            return taken.size() < 2;
                        });
        assertThat(taken).hasSize(2);
        assertThat(data.regionAt(Place.region(tail)) + next).isEqualTo(placements.get(2).offset());
    }

    /** RULE 26: the folded region leaves the chain, and its copies keep their versions. */
    @Test
    void foldTakesThePlaceOfItsRegion() {
        for (int i = 0; i < 14; i++) {
            append(Content.key(i), Content.value(i, 1, 9_000), 0);
        }
        appender.loadTail();
        long tail = appender.tail();
        assertThat(appender.room()).isEqualTo(REGION_BYTES - Place.bytesInRegion(tail));
        List<Chain.Entry> inTail = new ArrayList<>();
        Chain last = Chain.region(data, STRIPE, Place.region(tail), appender.tailNumber(), tail);
        last.forEach(inTail::add);
        assertThat(inTail).hasSize(7);
        RegionHeader folded = last.regions().getFirst();
        var fold = new Appender.Fold(folded, List.of(inTail.get(1), inTail.get(4)), 7 * 9_040);
        Placement placement =
                append(Draft.of(Content.key(50), new byte[9_000], 0, REGION_BYTES), fold);
        assertThat(placement.fold()).isSameAs(fold);
        List<Chain.Entry> entries = entries();
        assertThat(entries)
                .extracting(Chain.Entry::version)
                .containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 9L, 12L, 15L);
        RegionHeader now = Chain.follow(data, STRIPE, cut()).regions().getLast();
        assertThat(now.predecessor()).isEqualTo(folded.predecessor());
        assertThat(now.predecessorNumber()).isEqualTo(folded.predecessorNumber());
        assertThat(entries.get(7).offset())
                .isEqualTo(data.regionAt(now.region()) + RegionHeader.BYTES);
        assertThat(records.outlineLocked(entries.get(7).offset()).isPlain()).isFalse();
    }

    @Test
    void foldOfTheOldestRegionBeginsTheChain() {
        append(Content.key(1), Content.value(1, 1, 9_000), 0);
        appender.loadTail();
        Chain.Entry kept = entries().getFirst();
        RegionHeader folded = Chain.follow(data, STRIPE, cut()).regions().getFirst();
        Placement placement =
                appender.replaceTail(
                        new Appender.Fold(folded, List.of(kept), kept.bytes()), Use.WRITE);
        assertThat(placement).isNotNull();
        commit(placement);
        RegionHeader now = Chain.follow(data, STRIPE, cut()).regions().getFirst();
        assertThat(now.region()).isNotEqualTo(folded.region());
        assertThat(now.predecessor()).isZero();
        assertThat(entries()).hasSize(1);
        assertThat(entries().getFirst().key()).isEqualTo(Content.key(1));
    }

    @Test
    void damagedOriginalIsNotCopied() {
        append(Content.key(1), Content.value(1, 1, 9_000), 0);
        Chain.Entry entry = entries().getFirst();
        damage(entry.offset() + 4_000);
        long to = entry.offset() + entry.bytes();
        long before = Words.plain(data.remapped(), to);
        assertThatThrownBy(() ->
                        appender.copy(entry, appender.tailNumber(), to, appender.tailNumber()))
                .isInstanceOf(CorruptStore.class);
        assertThat(Words.plain(data.remapped(), to)).isEqualTo(before);
    }

    /** X1 and X5: the image behind the tail is for its final place. */
    @Test
    void stagedImageIsForItsFinalPlace() {
        Placement placement = append(Content.key(1), Content.value(1, 1, 900), 0);
        append(Content.key(2), Content.value(2, 1, 900), 0);
        appender.loadTail();
        byte[] value = Content.value(1, 2, 900);
        Draft draft = Draft.of(Content.key(1), value, 0, REGION_BYTES);
        assertThat(appender.overflows(draft.bytes())).isFalse();
        appender.stage(draft, 3, 1, placement.tailNumber(), placement.offset());
        assertThat(appender.mayHaveWritten()).isTrue();
        are(entries(), 0);
        appender.storeStagedByOther(placement.offset(), 4);
        are(entries(), 0);
        long staged = appender.offset();
        damage(staged + 500);
        appender.storeStagedByOther(placement.offset(), 3);
        are(entries(), 0);
        damage(staged + 500);
        appender.storeStagedByOther(placement.offset(), 3);
        isOverwritten(placement, value);
        byte[] again = Content.value(1, 3, 900);
        appender.stage(
                Draft.of(Content.key(1), again, 0, REGION_BYTES),
                3,
                1,
                placement.tailNumber(),
                placement.offset());
        appender.storeStaged(placement.offset(), draft.bytes());
        isOverwritten(placement, again);
    }

    private void isOverwritten(Placement placement, byte[] value) {
        Chain.Entry entry = entries().getFirst();
        assertThat(entry.version()).isEqualTo(3);
        assertThat(entry.overwrites()).isOne();
        assertThat(records.copy(STRIPE, records.outlineLocked(placement.offset())).value())
                .isEqualTo(value);
    }

    @Test
    void tailRegionIsUsedToItsLastByte() {
        int room = REGION_BYTES - RegionHeader.BYTES;
        append(Content.key(1), new byte[room - RecordLayout.HEADER_BYTES - 8 - 48], 0);
        appender.loadTail();
        assertThat(appender.room()).isEqualTo(48);
        assertThat(appender.overflows(48)).isFalse();
        assertThat(appender.overflows(64)).isTrue();
        append(Content.key(2), new byte[16], 0);
        appender.loadTail();
        assertThat(appender.room()).isZero();
        append(Content.key(3), new byte[16], 0);
        are(entries(), 0);
        assertThat(Chain.follow(data, STRIPE, cut()).regions()).hasSize(2);
    }

    /** The space at the end of a region is less than a record takes, just as much, and more. */
    @Test
    void restOfARegionIsFilled() {
        int room = REGION_BYTES - RegionHeader.BYTES;
        for (int left : new int[] {16, 32, 48}) {
            append(Content.key(left), new byte[room - RecordLayout.HEADER_BYTES - 8 - left], 0);
            append(Content.key(left + 1), new byte[100], 0);
            append(Content.key(left + 2), new byte[room - 300], 0);
            are(entries(), 0);
        }
    }

    @Test
    void whereNoRecordCanBeThereIsNone() {
        Placement placement = append(Content.key(1), Content.value(1, 1, 900), 0);
        long region = data.regionAt(data.regionOf(placement.offset()));
        for (long at :
                new long[] {
                    region,
                    region + 48,
                    placement.offset() + 8,
                    region + REGION_BYTES - 16,
                    data.regionAt(REGIONS) + 64,
                    0,
                    1L << 50
                }) {
            assertThat(records.outline(at)).isNull();
            assertThat(records.match(at, Content.key(1))).isEqualTo(Records.Match.NO_RECORD);
            assertThatThrownBy(() -> records.outlineAnyLocked(at))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("a record that the index points to");
        }
        assertThat(records.inline(placement.offset(), Content.key(1))).isNotNegative();
        assertThat(records.inline(placement.offset(), Content.key(2)))
                .isEqualTo(Records.NOT_INLINE);
    }
}
