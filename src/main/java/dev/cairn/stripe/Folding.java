package dev.cairn.stripe;

import dev.cairn.CorruptStore;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.log.Appender;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.RecordBytes;
import dev.cairn.log.Records;
import dev.cairn.log.Regions;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Decides whether a tail region that overflows is folded. In a fold, the live records of the region
 * are copied to the region that takes its place. So entries that are overwritten again and again
 * stay in a few regions and do not make the log longer (RULE 26).
 */
final class Folding {
    private final int number;
    private final StripeWords words;
    private final DataFile data;
    private final Records records;
    private final Index index;
    private final KeyHash hash;
    private final Regions regions;
    private final Damages damages;
    private final Appender appender;

    Folding(StripeContext context, Appender appender) {
        this.number = context.number();
        this.words = context.words();
        this.data = context.mapped().data();
        this.records = context.mapped().records();
        this.index = context.mapped().index();
        this.hash = context.mapped().hash();
        this.regions = context.regions();
        this.damages = context.damages();
        this.appender = appender;
    }

    /**
     * The fold of a stripe's tail region; null if the region is not mostly dead, or damaged, and so
     * stays in the chain. The caller holds the stripe's lock.
     *
     * @param key the key of the record that does not fit, whose old record counts as dead; null if
     *     that does not lie in the tail region
     * @param bytes the number of bytes that do not fit
     * @param deadInTail the bytes of the key's old record, if it lies in the tail region
     */
    Appender.@Nullable Fold plan(byte @Nullable [] key, int bytes, int deadInTail) {
        long tail = appender.tail();
        int room = data.regionBytes() - RegionHeader.BYTES;
        if (tail == 0 || words.acquire(StripeWords.TAIL_DEAD) + deadInTail < room / 2) {
            return null;
        }
        Appender.Fold fold = fold(key);
        return fold == null
                        || fold.keep().stream().anyMatch(Folding::hasRunOfTombstone)
                        || fold.keptBytes() > Math.min(room / 2, room - bytes)
                ? null
                : fold;
    }

    /**
     * The fold of all live records of a stripe's tail region, however many there are; null if the
     * region is damaged. The caller holds the stripe's lock, and there is a tail.
     */
    Appender.@Nullable Fold ofWholeTail() {
        return fold(null);
    }

    private Appender.@Nullable Fold fold(byte @Nullable [] except) {
        long tail = appender.tail();
        long tailNumber = appender.tailNumber();
        try {
            return fold(Chain.region(data, number, Place.region(tail), tailNumber, tail), except);
        } catch (CorruptStore e) {
            damages.found(tailNumber, e);
            return null;
        }
    }

    private Appender.Fold fold(Chain chain, byte @Nullable [] except) {
        List<Chain.Entry> records = new ArrayList<>();
        chain.forEach(records::add);
        Map<ByteBuffer, Chain.Entry> tombstones = new HashMap<>();
        long bytes = 0;
        for (Chain.Entry record : records) {
            bytes += record.bytes();
            RecordBytes.Run run = record.run();
            if (record.gone() && run != null && regions.isAlive(number, run)) {
                throw Damages.keyInRun(data.path(), record.offset()); // it is live
            }
            if (record.kind() == RecordLayout.TOMBSTONE) {
                tombstones.put(ByteBuffer.wrap(record.key()), record); // the newest counts
            }
        }
        List<Chain.Entry> keep = new ArrayList<>();
        for (Chain.Entry record : records) {
            if (hasRunOfTombstone(record)
                    || counts(record, tombstones) && !Arrays.equals(record.key(), except)) {
                keep.add(record);
            }
        }
        return new Appender.Fold(chain.regions().getFirst(), keep, bytes);
    }

    /**
     * Whether the record is a tombstone with a run. Such a run lives as long as the tombstone is in
     * the chain, whether or not the tombstone counts.
     */
    private static boolean hasRunOfTombstone(Chain.Entry record) {
        return record.kind() == RecordLayout.TOMBSTONE && record.run() != null;
    }

    /**
     * Whether a record counts. A tombstone counts while its key is absent: older records of the key
     * may precede it.
     */
    private boolean counts(Chain.Entry record, Map<ByteBuffer, Chain.Entry> tombstones) {
        if (record.gone()) {
            return false;
        }
        long hashed = hash.of(record.key());
        if (record.kind() == RecordLayout.PUT) {
            long slot = index.slotOf(words, hashed, record.offset());
            if (slot != 0) { // RULE 35: a copy would pass for the newest
                records.requireOverwrites(record.offset(), slot, record.overwrites());
            }
            return slot != 0;
        }
        return index.locate(words, hashed, record.key()).slot() == 0
                && record.equals(tombstones.get(ByteBuffer.wrap(record.key())));
    }
}
