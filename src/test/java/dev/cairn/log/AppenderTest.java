package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.format.Place;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.Appender.Placement;
import dev.cairn.log.Regions.Use;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;

/** Attacks what an appender keeps besides the log: marks, the ends of the chain, and its room. */
@Timeout(60)
class AppenderTest extends ChainFixture {
    /** Only a store that evicts has marks. */
    @Override
    Options options() {
        return super.options().withMaxBytes(1L << 26).withEviction(true);
    }

    /** Its terms say how long its file may be, and not whoever opens it. */
    @Test
    void storeThatEvictsHasItsOwnBound() {
        regions.bound(data.regionAt(50));
        assertThat(regions.most()).isEqualTo(data.regionOf(1L << 26));
    }

    @Test
    void marksGoWithTheRecordsThatAFoldCopies() {
        Marks marks = data.marks();
        assertThat(marks).isNotNull();
        for (long place = 0; place < (long) REGIONS * REGION_BYTES; place += 32) {
            marks.set(data.regionAt(0) + place);
        }
        appendLarge(7);
        List<Chain.Entry> entries = entries();
        entries.forEach(entry -> assertThat(marks.isSet(entry.offset())).isFalse());
        marks.set(entries.get(2).offset());
        RegionHeader folded = headers().getLast();
        List<Chain.Entry> keep = List.of(entries.get(1), entries.get(2), entries.get(5));
        append(
                Draft.of(Content.key(50), new byte[9_000], 0, REGION_BYTES),
                new Appender.Fold(folded, keep, 7 * 9_040));
        assertThat(entries())
                .extracting(entry -> marks.isSet(entry.offset()))
                .containsExactly(false, true, false, false);
    }

    /** The oldest region names one that is no longer in the chain. */
    @Test
    void foldOfTheOldestRegionNamesNoPredecessor() {
        appendLarge(14);
        RegionHeader folded = headers().getLast();
        giveAway(evacuateOldest().region());
        assertThat(folded.predecessor()).isNotZero();
        append(
                Draft.of(Content.key(50), new byte[9_000], 0, REGION_BYTES),
                new Appender.Fold(folded, List.of(entries().getFirst()), 7 * 9_040));
        RegionHeader header = headers().getFirst();
        assertThat(header.predecessor()).isZero();
        assertThat(header.predecessorNumber()).isZero();
        assertThat(entries()).hasSize(2);
    }

    /** A stripe that was cleared has the number of its last tail, and no tail. */
    @Test
    void firstRegionNamesNoPredecessor() {
        words.release(StripeWords.TAIL_NUMBER, 77);
        appender.loadTail();
        assertThat(appender.room()).isZero();
        append(Content.key(1), new byte[100_000], 0);
        assertThat(Place.region(placements.getFirst().run())).isZero();
        RegionHeader header = headers().getFirst();
        assertThat(header.predecessor()).isZero();
        assertThat(header.predecessorNumber()).isZero();
    }

    @Test
    void bytesBehindTheTailAreOfTheLastWriteThatWasNotCommitted() {
        appendLarge(1);
        assertThat(appender.mayHaveWritten()).isFalse();
        Draft draft = Draft.of(Content.key(5), new byte[100], 0, REGION_BYTES);
        Placement placement = appender.reserve(draft, null, Use.WRITE);
        assertThat(placement).isNotNull();
        assertThat(appender.mayHaveWritten()).isTrue();
        commit(placement);
        assertThat(appender.mayHaveWritten()).isFalse();
        appender.writeAtTail(draft, 3);
        assertThat(appender.mayHaveWritten()).isTrue();
    }

    /** The loads are those of the first word of each line, and of the last word; 256 bytes at most. */
    @Test
    void linesBehindTheTailAreTouched() {
        appendLarge(1);
        long from = appender.offset();
        for (int at = 0; at <= 512; at += 8) {
            Words.setPlain(data.remapped(), from - 256 + at, 1L << at / 8 % 60);
        }
        for (int bytes : new int[] {64, 160, 256, 1_000}) {
            int touched = Math.min(bytes, 256);
            long sum = Words.plain(data.remapped(), from + touched - 8);
            for (int at = 0; at < touched; at += 64) {
                sum += Words.plain(data.remapped(), from + at);
            }
            assertThat(appender.touch(bytes)).isEqualTo(sum).isNotZero();
        }
    }
}
