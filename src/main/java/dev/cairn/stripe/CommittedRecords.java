package dev.cairn.stripe;

import dev.cairn.format.HashBits;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.log.DataFile;
import dev.cairn.log.Records;
import dev.cairn.log.Records.Outline;
import dev.cairn.log.Regions;
import dev.cairn.os.Steps;

import java.util.function.Consumer;

/**
 * The effects of a commit on records that it did not stage one by one. They are found by a walk
 * through a region.
 */
final class CommittedRecords {
    private final int number;
    private final StripeWords words;
    private final DataFile data;
    private final Records records;
    private final Index index;
    private final KeyHash hash;
    private final Regions regions;

    CommittedRecords(StripeContext context) {
        this.number = context.number();
        this.words = context.words();
        this.data = context.mapped().data();
        this.records = context.mapped().records();
        this.index = context.mapped().index();
        this.hash = context.mapped().hash();
        this.regions = context.regions();
    }

    /** Whether the region that the commit takes out still lives the same life. */
    boolean deadRegionIsAlive() {
        long region = Place.region(words.acquire(StripeWords.DEAD_REGION));
        return regions.isAlive(number, region, words.acquire(StripeWords.DEAD_REGION_NUMBER));
    }

    /**
     * Swings the slots of those copies whose slots still point to the originals.
     *
     * @param region the region of the originals
     * @param from the offset in the new tail region at which the first copy begins
     * @param to the offset at which the last copy ends
     */
    void swingCopies(long region, long from, long to) {
        long regionAt = data.regionAt(Place.region(words.acquire(StripeWords.NEW_TAIL)));
        forEach(
                regionAt + from,
                regionAt + to,
                copy -> {
                    if (copy.kind() == RecordLayout.PUT) {
                        byte[] key = copy.key();
                        long hashed = hash.of(key);
                        Index.Lookup found = index.locate(words, hashed, key);
                        if (found.slot() != 0
                                && data.regionOf(SlotWord.offset(found.slot())) == region) {
                            Steps.at("W6 copy");
                            index.swing(
                                    found.slotAt(),
                                    index.slotWord(copy.offset(), hashed),
                                    HashBits.tag(hashed));
                        }
                    }
                });
    }

    /**
     * Makes the entries absent to which the index still points in a region that leaves the chain.
     */
    void dropAll(long region) {
        forEachOf(
                region,
                record -> {
                    if (record.kind() == RecordLayout.PUT && record.run() == 0) {
                        long hashed = hash.of(record.key());
                        long slotAt =
                                index.addressOf(
                                        words.acquire(StripeWords.TABLE),
                                        hashed,
                                        index.slotWord(record.offset(), hashed));
                        if (slotAt != 0) {
                            Steps.at("W6 drop");
                            index.swing(slotAt, 0, HashBits.tag(hashed));
                        }
                    }
                });
    }

    /** Frees the runs that hold keys of tombstones; nothing supersedes these runs. */
    void buryRunsOfTombstones(long region, long epoch) {
        forEachOf(
                region,
                record -> {
                    if (record.kind() == RecordLayout.TOMBSTONE && record.run() != 0) {
                        Steps.at("W11 tombstone");
                        regions.bury(words, number, record.run(), record.runNumber(), epoch);
                    }
                });
    }

    /** Marks all regions of the stripe dead. */
    void buryAll(long epoch) {
        for (long region = 0; region < data.regions(); region++) {
            if (data.stripeOf(region) == number) {
                regions.bury(words, number, Place.run(region, 1), data.number(region), epoch);
            }
        }
    }

    private void forEachOf(long region, Consumer<Outline> action) {
        forEach(
                data.regionAt(region) + RegionHeader.BYTES,
                data.regionAt(region + 1) - RecordLayout.MIN_BYTES + 1,
                action);
    }

    private void forEach(long from, long to, Consumer<Outline> action) {
        for (long at = from; at < to; ) {
            Outline record = records.outlineAnyLocked(at);
            action.accept(record);
            at += record.bytes();
        }
    }
}
