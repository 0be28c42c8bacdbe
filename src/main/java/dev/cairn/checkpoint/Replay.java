package dev.cairn.checkpoint;

import static dev.cairn.format.StripeWords.CUT_VERSION;
import static dev.cairn.format.StripeWords.LIVE_BYTES;
import static dev.cairn.format.StripeWords.LIVE_COUNT;
import static dev.cairn.format.StripeWords.LOG_BYTES;
import static dev.cairn.format.StripeWords.OLDEST;
import static dev.cairn.format.StripeWords.OLDEST_NUMBER;
import static dev.cairn.format.StripeWords.TAIL;
import static dev.cairn.format.StripeWords.TAIL_NUMBER;
import static dev.cairn.format.StripeWords.VERSION;

import dev.cairn.CorruptStore;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Mapped;
import dev.cairn.index.Tables;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.LargeKeys;
import dev.cairn.log.RecordBytes;
import dev.cairn.log.Records;
import dev.cairn.log.Regions;
import dev.cairn.shared.SharedMemory;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/**
 * Fills a new shared-memory file from a checkpoint: it enters the records of every chain into the
 * index, in the order of their places (RULE 23). Until the file is ready, only this process uses
 * it. The data file is only read. So if this recovery fails, the next one finds what this one
 * found.
 */
public final class Replay {
    /**
     * The distance between the versions that were lost, which an outside holder may still have, and
     * those that will be given.
     */
    public static final long VERSIONS_APART = 1L << 40;

    /** The same distance for allocation numbers, which are part of checksums. */
    public static final long NUMBERS_APART = 1L << 32;

    private final DataFile data;
    private final SharedMemory shared;
    private final Index index;
    private final Records records;
    private final KeyHash hash;
    private final Tables tables;
    private final SharedMemory.Locks locks;
    private final Regions regions;
    private final LongAdder bytes = new LongAdder();

    public Replay(Mapped mapped, Tables tables, SharedMemory.Locks locks, Regions regions) {
        this.data = mapped.data();
        this.shared = mapped.shared();
        this.index = mapped.index();
        this.records = mapped.records();
        this.hash = mapped.hash();
        this.tables = tables;
        this.locks = locks;
        this.regions = regions;
    }

    /**
     * Brings the shared memory to the state of the checkpoint.
     *
     * @param leastLog2 log2 of the number of buckets in the table of an empty stripe
     * @param parallel whether to use every processor
     * @throws CorruptStore if a chain of the checkpoint is damaged. It never tries an older
     *     checkpoint, because the regions of that one may have been reused.
     */
    public void restore(CheckpointSlot slot, int leastLog2, boolean parallel) {
        shared.release(SharedLayout.REGIONS, slot.regions());
        shared.release(SharedLayout.ALLOCATIONS, slot.allocations());
        shared.release(SharedLayout.EPOCH, slot.epoch() + 1);
        shared.release(SharedLayout.DURABLE, slot.epoch());
        shared.release(SharedLayout.TIMELINE, slot.timeline().getMostSignificantBits());
        shared.release(
                SharedLayout.TIMELINE + Long.BYTES, slot.timeline().getLeastSignificantBits());
        shared.clock().resume(slot);
        if (slot.regions() > 0) {
            shared.ensureOwnerEntry(locks, slot.regions() - 1);
        }
        IntStream stripes = IntStream.range(0, shared.stripes());
        (parallel ? stripes.parallel() : stripes)
                .forEach(stripe -> restore(stripe, slot.cuts().get(stripe), leastLog2));
    }

    /** The number of bytes of records that were read. */
    public long bytes() {
        return bytes.sum();
    }

    private void restore(int stripe, Cut cut, int leastLog2) {
        int log2 = Tables.log2For(cut.liveCount(), leastLog2);
        StripeWords words = shared.stripe(stripe);
        while (!tables.create(words, log2)) {
            shared.makeRoom(locks, TableWord.bytes(log2));
        }
        Chain chain = Chain.follow(data, stripe, cut);
        List<Chain.Entry> withRun = new ArrayList<>();
        LargeKeys largeKeys = new LargeKeys();
        long[] logBytes = {0};
        long[] told = {0};
        chain.forEach(entry -> {
            logBytes[0] += entry.bytes();
            if (logBytes[0] - told[0] >= data.regionBytes()) {
                shared.advanced(logBytes[0] - told[0]);
                told[0] = logBytes[0];
            }
            words.noteExpiry(entry.expires());
            feed(stripe, cut, words, entry);
            largeKeys.saw(entry);
            if (entry.run() != null && !entry.gone()) {
                withRun.add(entry);
            }
        });
        largeKeys.requireNoDamage(data.path());
        if (words.acquire(LIVE_COUNT) != cut.liveCount()
                || words.acquire(LIVE_BYTES) != cut.liveBytes()) {
            throw new CorruptStore(
                    data.path(),
                    -1,
                    "%d live entries with %d bytes in stripe %d, as the checkpoint says"
                            .formatted(cut.liveCount(), cut.liveBytes(), stripe),
                    "%d live entries with %d bytes in the log"
                            .formatted(words.acquire(LIVE_COUNT), words.acquire(LIVE_BYTES)));
        }
        for (RegionHeader region : chain.regions()) {
            regions.adopt(stripe, region.region(), 1, region.number());
        }
        for (Chain.Entry entry : withRun) {
            logBytes[0] += adoptRun(stripe, entry, chain);
        }
        words.release(LOG_BYTES, logBytes[0]);
        words.release(VERSION, cut.version());
        words.release(CUT_VERSION, cut.version()); // RULE 30
        words.release(OLDEST, cut.oldest());
        words.release(OLDEST_NUMBER, cut.oldestNumber());
        words.release(TAIL_NUMBER, cut.tailNumber());
        words.release(TAIL, cut.tail());
    }

    /**
     * Adopts the run of a record and returns the number of bytes that it takes. A run lives while
     * its record is the newest of its key, or is a tombstone, which hides older records.
     */
    private long adoptRun(int stripe, Chain.Entry entry, Chain chain) {
        RecordBytes.Run run = entry.run();
        if (run == null) {
            return 0;
        }
        boolean counts =
                index.pointsTo(shared.stripe(stripe), hash.of(entry.key()), entry.offset());
        if (counts) {
            chain.requireRun(run);
        } else if (entry.kind() != RecordLayout.TOMBSTONE) {
            return 0;
        }
        regions.adopt(stripe, Place.region(run.word()), Place.low(run.word()), run.number());
        return entry.liveBytes() - entry.bytes();
    }

    private void feed(int stripe, Cut cut, StripeWords words, Chain.Entry entry) {
        bytes.add(entry.bytes());
        if (entry.gone()) {
            return;
        }
        long hashed = hash.of(entry.key());
        if (entry.version() > cut.version() || index.stripe(hashed) != stripe) {
            throw new CorruptStore(
                    data.path(),
                    entry.offset(),
                    "a record of stripe %d with version %d at most"
                            .formatted(stripe, cut.version()),
                    "a record with version %d and a key of stripe %d"
                            .formatted(entry.version(), index.stripe(hashed)));
        }
        boolean put = entry.kind() == RecordLayout.PUT;
        Index.Lookup found = index.locate(words, hashed, entry.key());
        if (found.slot() == 0) {
            if (!put) {
                return;
            }
            boolean again = false;
            while (found.slotAt() == 0) {
                long room = tables.rebuild(words, again);
                if (room != 0) {
                    shared.makeRoom(locks, room);
                }
                again = room == 0;
                found = index.locate(words, hashed, entry.key());
            }
            index.raiseOverflow(words, hashed, found.passed());
        }
        long superseded = 0;
        if (found.slot() != 0) {
            Records.Outline old = records.outlineLocked(SlotWord.offset(found.slot()));
            if (old.version() > entry.version()) {
                return;
            }
            superseded = old.liveBytes();
        }
        index.restore(found, put ? entry.offset() : 0, hashed, entry.overwrites());
        if (!put) {
            index.lowerOverflow(words, hashed, found.passed());
        }
        long change = !put ? -1 : found.slot() == 0 ? 1 : 0;
        words.release(LIVE_COUNT, words.acquire(LIVE_COUNT) + change);
        words.release(
                LIVE_BYTES, words.acquire(LIVE_BYTES) + (put ? entry.liveBytes() : 0) - superseded);
    }
}
