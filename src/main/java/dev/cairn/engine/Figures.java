package dev.cairn.engine;

import dev.cairn.Stats;
import dev.cairn.checkpoint.Checkpointer.Tally;
import dev.cairn.checkpoint.Replay;
import dev.cairn.format.BucketWords;
import dev.cairn.format.CacheLayout;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.index.Mapped;
import dev.cairn.lock.ProcessTable;
import dev.cairn.log.RegionCounts;
import dev.cairn.shared.CacheCounters;
import dev.cairn.shared.CacheCounters.Count;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Damages;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Locale;

/** The figures of a store, read when this object is created. */
final class Figures implements Stats {
    private static final Tally NONE = new Tally(0, 0, 0, 0);

    private final long entries;
    private final long liveBytes;
    private final long dataFileBytes;
    private final long maxBytes;
    private final long sharedMemoryFileBytes;
    private final long regionBytes;
    private final long regions;
    private final long freeRegions;
    private final long waitingRegions;
    private final long garbageBytes;
    private final int stripes;
    private final long indexSlots;
    private final int processes;
    private final long epoch;
    private final long durableEpoch;
    private final long writes;
    private final State state;
    private final Tally checkpoints;
    private final long checkpointWaits;
    private final long overwritesInPlace;
    private final long longestCutNanos;
    private final long lockWaits;
    private final long lockWaitNanos;
    private final long longestLockWaitNanos;
    private final long takeovers;
    private final Naming naming;
    private final int damagedStripes;
    private final long clockAheadMillis;
    private final long evictions;
    private final long expirations;
    private final long hits;
    private final long misses;
    private final long loads;
    private final long loadFailures;
    private final long loadNanos;
    private final long refreshes;

    /**
     * @param writing null in a read-only process
     *
     * @param counters the counters, which publish what was counted here
     * @param entries the number of live entries
     * @param checkpointWaits how many writers of this process waited for a checkpoint
     * @param maxBytes the bound of the data file, 0 for none
     */
    Figures(
            Mapped mapped,
            @Nullable Writing writing,
            CacheCounters counters,
            long entries,
            long checkpointWaits,
            long maxBytes,
            Naming naming) {
        SharedMemory shared = mapped.shared();
        long live = 0;
        long log = 0;
        long written = 0;
        long slots = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            live += shared.stripe(stripe).acquire(StripeWords.LIVE_BYTES);
            log += shared.stripe(stripe).acquire(StripeWords.LOG_BYTES);
            written += shared.stripe(stripe).acquire(StripeWords.VERSION) % Replay.VERSIONS_APART;
            slots += (long) BucketWords.SLOTS << TableWord.log2(shared.table(stripe));
        }
        this.entries = entries;
        this.checkpointWaits = checkpointWaits;
        this.maxBytes = maxBytes;
        this.overwritesInPlace = writing == null ? 0 : writing.stripes().overwrites();
        this.liveBytes = live;
        this.garbageBytes = log - live;
        this.writes = written;
        this.indexSlots = slots;
        this.stripes = shared.stripes();
        this.dataFileBytes = mapped.data().regionAt(mapped.data().regions());
        this.sharedMemoryFileBytes = shared.acquire(SharedLayout.SHARED_BYTES);
        this.regionBytes = mapped.data().regionBytes();
        this.regions = mapped.data().regions();
        this.freeRegions = RegionCounts.free(shared) + RegionCounts.holes(shared);
        this.waitingRegions = RegionCounts.waiting(shared);
        this.epoch = shared.acquire(SharedLayout.EPOCH);
        this.durableEpoch = shared.acquire(SharedLayout.DURABLE);
        this.state = state(shared);
        this.naming = naming;
        this.damagedStripes = Damages.stripes(shared);
        this.clockAheadMillis = shared.clock().aheadMillis();
        DataHeader header = mapped.data().header();
        this.evictions = sumOfStripes(shared, header, CacheLayout.EVICTIONS);
        this.expirations = sumOfStripes(shared, header, CacheLayout.EXPIRATIONS);

        counters.share();
        this.hits = counters.shared(Count.HITS);
        this.misses = counters.shared(Count.MISSES);
        this.loads = counters.shared(Count.LOADS);
        this.loadFailures = counters.shared(Count.LOAD_FAILURES);
        this.loadNanos = counters.shared(Count.LOAD_NANOS);
        this.refreshes = counters.shared(Count.REFRESHES);

        this.processes =
                writing == null ? ProcessTable.seenOpen(shared.base()) : writing.processes().open();
        this.checkpoints = writing == null ? NONE : writing.checkpointer().tally();
        this.longestCutNanos = writing == null ? 0 : writing.checkpointer().longestHoldNanos();
        this.lockWaits = writing == null ? 0 : writing.contention().waits();
        this.lockWaitNanos = writing == null ? 0 : writing.contention().nanos();
        this.longestLockWaitNanos = writing == null ? 0 : writing.contention().longestNanos();
        this.takeovers = writing == null ? 0 : writing.contention().takeovers();
    }

    /** The sum of a word that stripes have only in a store that evicts. */
    private static long sumOfStripes(SharedMemory shared, DataHeader header, int field) {
        long sum = 0;
        for (int stripe = 0; header.cache().evicts() && stripe < header.stripes(); stripe++) {
            sum += Words.acquire(shared.base(), CacheLayout.stripeAt(header, stripe) + field);
        }
        return sum;
    }

    private static State state(SharedMemory shared) {
        if (shared.acquire(SharedLayout.FAILED) != 0) {
            return State.FAILED;
        }
        return shared.acquire(SharedLayout.ATTEMPT) != 0 ? State.ATTEMPTED : State.SOUND;
    }

    @Override
    public long entries() {
        return entries;
    }

    @Override
    public long liveBytes() {
        return liveBytes;
    }

    @Override
    public long dataFileBytes() {
        return dataFileBytes;
    }

    @Override
    public long maxBytes() {
        return maxBytes;
    }

    @Override
    public long sharedMemoryFileBytes() {
        return sharedMemoryFileBytes;
    }

    @Override
    public long regionBytes() {
        return regionBytes;
    }

    @Override
    public long regions() {
        return regions;
    }

    @Override
    public long freeRegions() {
        return freeRegions;
    }

    @Override
    public long waitingRegions() {
        return waitingRegions;
    }

    @Override
    public long garbageBytes() {
        return garbageBytes;
    }

    @Override
    public int stripes() {
        return stripes;
    }

    @Override
    public long indexSlots() {
        return indexSlots;
    }

    @Override
    public int processes() {
        return processes;
    }

    @Override
    public long epoch() {
        return epoch;
    }

    @Override
    public long durableEpoch() {
        return durableEpoch;
    }

    @Override
    public long writes() {
        return writes;
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public long checkpoints() {
        return checkpoints.made();
    }

    @Override
    public long checkpointFailures() {
        return checkpoints.failed();
    }

    @Override
    public long checkpointNanos() {
        return checkpoints.nanos();
    }

    @Override
    public long longestCheckpointNanos() {
        return checkpoints.longestNanos();
    }

    @Override
    public long checkpointWaits() {
        return checkpointWaits;
    }

    @Override
    public long overwritesInPlace() {
        return overwritesInPlace;
    }

    @Override
    public long longestCutNanos() {
        return longestCutNanos;
    }

    @Override
    public long lockWaits() {
        return lockWaits;
    }

    @Override
    public long lockWaitNanos() {
        return lockWaitNanos;
    }

    @Override
    public long longestLockWaitNanos() {
        return longestLockWaitNanos;
    }

    @Override
    public long takeovers() {
        return takeovers;
    }

    @Override
    public Naming naming() {
        return naming;
    }

    @Override
    public int damagedStripes() {
        return damagedStripes;
    }

    @Override
    public long clockAheadMillis() {
        return clockAheadMillis;
    }

    @Override
    public long evictions() {
        return evictions;
    }

    @Override
    public long expirations() {
        return expirations;
    }

    @Override
    public long hits() {
        return hits;
    }

    @Override
    public long misses() {
        return misses;
    }

    @Override
    public long loads() {
        return loads;
    }

    @Override
    public long loadFailures() {
        return loadFailures;
    }

    @Override
    public long loadNanos() {
        return loadNanos;
    }

    @Override
    public long refreshes() {
        return refreshes;
    }

    @Override
    public String toString() {
        return String.join(
                "; ",
                "%s, room for %s in the index"
                        .formatted(Units.entries(entries), Units.count(indexSlots)),
                "%s live and %s of garbage in a data file of %s%s"
                        .formatted(
                                Units.bytes(liveBytes),
                                Units.bytes(garbageBytes),
                                Units.bytes(dataFileBytes),
                                maxBytes == 0 ? "" : " of at most " + Units.bytes(maxBytes)),
                "shared-memory file of " + Units.bytes(sharedMemoryFileBytes),
                "%s regions of %s, %s free, %s waiting for a checkpoint"
                        .formatted(
                                Units.count(regions),
                                Units.bytes(regionBytes),
                                Units.count(freeRegions),
                                Units.count(waitingRegions)),
                "stripes: %s, damaged: %s"
                        .formatted(Units.count(stripes), Units.count(damagedStripes)),
                "writing processes: " + Units.count(processes),
                "writes: " + Units.count(writes),
                "checkpoint %s is durable, %s is to come, the last is %s"
                        .formatted(Units.count(durableEpoch), Units.count(epoch), words(state)),
                "checkpoints made here: %s in %s, the longest %s, failed: %s, longest cut %s"
                        .formatted(
                                Units.count(checkpoints.made()),
                                nanos(checkpoints.nanos()),
                                nanos(checkpoints.longestNanos()),
                                Units.count(checkpoints.failed()),
                                nanos(longestCutNanos)),
                "lock waits: %s in %s, the longest %s"
                        .formatted(
                                Units.count(lockWaits),
                                nanos(lockWaitNanos),
                                nanos(longestLockWaitNanos)),
                "takeovers: " + Units.count(takeovers),
                "evicted: %s, dropped after they had expired: %s"
                        .formatted(Units.count(evictions), Units.count(expirations)),
                "file names: " + words(naming),
                "clock %s ms ahead".formatted(Units.count(clockAheadMillis)) + caches());
    }

    /** The figures of caches; empty for a store that no cache uses. */
    private String caches() {
        if (hits + misses + loads == 0) {
            return "";
        }
        return "; caches: %s hits, %s misses, %s loads in %s, %s failed, %s in the background"
                .formatted(
                        Units.count(hits),
                        Units.count(misses),
                        Units.count(loads),
                        nanos(loadNanos),
                        Units.count(loadFailures),
                        Units.count(refreshes));
    }

    private static String words(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static String nanos(long time) {
        return Units.time(Duration.ofNanos(time));
    }
}
