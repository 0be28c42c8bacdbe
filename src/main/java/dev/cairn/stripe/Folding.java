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
 * Decides whether a tail region that overflows is folded: what counts of it is copied to the region
 * that takes its place, so that entries which are overwritten for ever go round in a few regions
 * instead of lengthening the log (RULE 26).
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

    Folding(Site site, Appender appender) {
        this.number = site.number();
        this.words = site.words();
        this.data = site.mapped().data();
        this.records = site.mapped().records();
        this.index = site.mapped().index();
        this.hash = site.mapped().hash();
        this.regions = site.regions();
        this.damages = site.damages();
        this.appender = appender;
    }

    /**
     * The fold of a stripe's tail region; null if it is not mostly dead, or damaged: then it stays in
     * the chain. Under the stripe's lock.
     *
     * @param key of the record that does not fit; its old record counts as dead; null if that does not
     *     stand in the tail region
     * @param bytes that do not fit
     * @param deadInTail bytes of its key's old record, if it lies in the tail region
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
     * All that counts of a stripe's tail region, however much it is; null if the region is damaged.
     * Under the stripe's lock, with a tail.
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
                throw Damages.keyInRun(data.path(), record.offset()); // it counts
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

    /** A run whose record is a tombstone lives as long as that stands in the chain, counting or not. */
    private static boolean hasRunOfTombstone(Chain.Entry record) {
        return record.kind() == RecordLayout.TOMBSTONE && record.run() != null;
    }

    /** Tombstones count while their key is absent: older records of it may stand before them. */
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
