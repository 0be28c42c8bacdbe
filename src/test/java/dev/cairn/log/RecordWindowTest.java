package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.log.Appender.Placement;
import dev.cairn.log.Regions.Use;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Compares the windows of a region with what was appended to it. */
@Timeout(60)
class RecordWindowTest extends ChainFixture {
    private static final int PAGE_BYTES = 4096;

    private RecordWindow window;
    private RegionHeader region;

    @BeforeEach
    void makeWindow() {
        window = new RecordWindow(data, STRIPE);
    }

    /** Fills a region with records of all kinds, except for that many bytes at its end. */
    private void fill(int left) {
        for (int i = 0; room() > 12_000; i++) {
            byte[] key = Content.key(i, 1 + i % 90);
            int heat = i % RecordLayout.MOST_HEAT;
            Draft draft =
                    switch (i % 8) {
                        case 0 -> Draft.of(key, null, 0, REGION_BYTES);
                        case 1 -> Draft.of(key, Content.value(i, 1, 5_000), 0, REGION_BYTES);
                        case 2 -> Draft.of(key, Content.value(i, 1, 70_000), i, REGION_BYTES);
                        default -> Draft.of(key, new byte[i * 37 % 900], i % 3, REGION_BYTES);
                    };
            append(i == 20 ? inRun(RecordLayout.PUT) : draft.withHeat(heat), null);
            if (i == 30) {
                append(inRun(RecordLayout.TOMBSTONE), null);
                appendCopy(entries().get(5));
            }
        }
        int last = room() - left - RecordLayout.HEADER_BYTES - 8;
        append(Content.key(1), new byte[last], 0);
        assertThat(room()).isEqualTo(left);
        append(Content.key(2), new byte[12_000], 0);
        region = headers().getFirst();
        assertThat(headers()).hasSize(2);
    }

    private static Draft inRun(int kind) {
        byte[] value = kind == RecordLayout.PUT ? new byte[10] : null;
        return Draft.of(Content.key(kind, 20_000), value, 0, REGION_BYTES);
    }

    private int room() {
        appender.loadTail();
        return placements.isEmpty() ? REGION_BYTES : appender.room();
    }

    private List<Chain.Entry> expected() {
        List<Chain.Entry> expected = new ArrayList<>();
        long end = Place.tail(region.region(), REGION_BYTES);
        Chain.region(data, STRIPE, region.region(), region.number(), end).forEach(expected::add);
        return expected;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 16, 32, 48, 4_096})
    void windowsHaveEachRecordOfARegionOnce(int left) {
        fill(left);
        List<Chain.Entry> expected = expected();
        int next = 0;
        int at = RegionHeader.BYTES;
        while (at < REGION_BYTES) {
            window.read(region.region(), region.number(), at);
            long recordBytes = 0;
            int put = 0;
            long end = data.regionAt(region.region()) + at + window.bytes();
            if (window.bytes() == 0) {
                Chain.Entry skipped = expected.get(next++);
                assertThat(skipped.run()).isNotNull();
                assertThat(skipped.run().hasKey()).isTrue();
                at += skipped.bytes();
                continue;
            }
            int first = next;
            for (; next < expected.size() && expected.get(next).offset() < end; next++) {
                Chain.Entry entry = expected.get(next);
                recordBytes += entry.bytes();
                if (entry.kind() == RecordLayout.PUT) {
                    isPut(put++, entry);
                }
            }
            assertThat(window.puts()).isEqualTo(put);
            assertThat(window.recordBytes()).isEqualTo(recordBytes);
            if (next - first > 1 && at + window.bytes() < REGION_BYTES) {
                assertThat(window.bytes()).isLessThanOrEqualTo(PAGE_BYTES);
                boolean keyInRun = next < expected.size() && hasKeyInRun(expected.get(next));
                int longest = next < expected.size() ? expected.get(next).bytes() : 0;
                assertThat(keyInRun || window.bytes() + longest + 56 > PAGE_BYTES).isTrue();
            }
            at += window.bytes();
        }
        assertThat(at).isEqualTo(REGION_BYTES);
        assertThat(next).isEqualTo(expected.size());
    }

    private static boolean hasKeyInRun(Chain.Entry entry) {
        RecordBytes.Run run = entry.run();
        return run != null && run.hasKey();
    }

    private void isPut(int put, Chain.Entry entry) {
        Records.Outline outline = records.outlineAnyLocked(entry.offset());
        assertThat(window.offset(put)).isEqualTo(entry.offset());
        assertThat(window.length(put)).isEqualTo(entry.bytes());
        assertThat(window.liveBytes(put)).isEqualTo(entry.liveBytes());
        assertThat(window.hasRun(put)).isEqualTo(entry.run() != null);
        assertThat(window.expires(put)).isEqualTo(entry.expires());
        assertThat(window.overwrites(put)).isEqualTo(entry.overwrites());
        assertThat(window.heat(put)).isEqualTo(outline.heat());
        assertThat(window.isCopy(put)).isEqualTo(outline.header().is(RecordLayout.MOVED));
        int keyAt = window.keyAt(put);
        byte[] key = Arrays.copyOfRange(window.array(), keyAt, keyAt + window.keyLength(put));
        assertThat(key).isEqualTo(entry.key());
    }

    @Test
    void recordThatWasOverwrittenInPlaceSaysSo() {
        append(Content.key(1), new byte[100], 0);
        Placement overwritten = append(Content.key(2), new byte[100], 0);
        append(Content.key(3), new byte[64_000], 0);
        append(Content.key(4), new byte[12_000], 0);
        Draft again = Draft.of(Content.key(2), Content.value(2, 2, 100), 0, REGION_BYTES);
        appender.loadTail();
        appender.stage(again, 5, 3, overwritten.tailNumber(), overwritten.offset());
        appender.storeStaged(overwritten.offset(), again.bytes());
        region = headers().getFirst();
        window.read(region.region(), region.number(), RegionHeader.BYTES);
        assertThat(window.overwrites(0)).isZero();
        assertThat(window.overwrites(1)).isEqualTo(3);
    }

    /** The copy has the version, key and value of its put, its own heat, and no overwrites. */
    @Test
    void copyIsARecordOfItsPlace() {
        fill(0);
        int from = data.bytesIntoRegion(expected().get(3).offset());
        window.read(region.region(), region.number(), from);
        int put = window.puts() - 1;
        assertThat(window.offset(put)).isGreaterThan(window.offset(0));
        Chain.Entry original =
                expected().stream()
                        .filter(entry -> entry.offset() == window.offset(put))
                        .findFirst()
                        .orElseThrow();
        Placement placement = appender.reserveCopy(original.bytes(), null, Use.WRITE);
        assertThat(placement).isNotNull();
        byte[] images = new byte[16 + original.bytes()];
        window.copy(put, images, 16, placement.tailNumber(), placement.offset(), 99);
        byte[] image = Arrays.copyOfRange(images, 16, images.length);
        appender.storeCopies(placement, image, image.length);
        commit(placement);
        Chain.Entry copy = entries().getLast();
        assertThat(copy.offset()).isEqualTo(placement.offset());
        assertThat(copy.version()).isEqualTo(original.version());
        assertThat(copy.key()).isEqualTo(original.key());
        Records.Outline outline = records.outlineLocked(copy.offset());
        assertThat(outline.heat()).isEqualTo(99);
        assertThat(outline.header().is(RecordLayout.MOVED)).isTrue();
        assertThat(records.copy(STRIPE, outline).value())
                .isEqualTo(records.copy(STRIPE, records.outlineLocked(original.offset())).value());
    }

    @Test
    void damageIsToldWithItsPlace() {
        fill(0);
        for (Chain.Entry entry : expected().subList(0, 10)) {
            int into = data.bytesIntoRegion(entry.offset());
            damage(entry.offset() + entry.bytes() - 17);
            isDamage(into, entry.offset(), "a stored checksum 0x");
            damage(entry.offset() + entry.bytes() - 17);
            damage(entry.offset() + RecordLayout.KIND);
            isDamage(into, entry.offset(), "a kind, flags or lengths that no record has");
            damage(entry.offset() + RecordLayout.KIND);
        }
    }

    /** The filler lies behind small records in the last window of the region. */
    @Test
    void damageIsToldWithItsRoom() {
        append(Content.key(1), new byte[63_000], 0);
        for (int i = 0; room() >= 144 + RecordLayout.MIN_BYTES; i++) {
            append(Content.key(i), new byte[112], 0);
        }
        int left = room();
        append(Content.key(2), new byte[12_000], 0);
        region = headers().getFirst();
        Chain.Entry before = expected().get(expected().size() - 8);
        long filler = data.regionAt(region.region() + 1) - left;
        damage(filler + RecordLayout.VALUE_LENGTH + 1);
        isDamage(
                data.bytesIntoRegion(before.offset()),
                filler,
                "a record of %d bytes, %d bytes before the end".formatted(left + 1024, left));
        damage(filler + RecordLayout.VALUE_LENGTH + 1);
        damage(filler);
        isDamage(data.bytesIntoRegion(before.offset()), filler, "a stored checksum 0x");
    }

    /** A filler may have no more than its header. */
    @Test
    void damagedFillerThatEndsTheRegionIsTold() {
        fill(RecordLayout.MIN_BYTES);
        Chain.Entry last = expected().getLast();
        long filler = last.offset() + last.bytes();
        damage(filler);
        isDamage(data.bytesIntoRegion(filler), filler, "a stored checksum 0x");
    }

    private void isDamage(int from, long offset, String found) {
        assertThatThrownBy(() -> window.read(region.region(), region.number(), from))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("at byte " + offset)
                .hasMessageContaining("a record of stripe 1")
                .hasMessageContaining(found);
    }
}
