package dev.cairn.micrometer;

import dev.cairn.Recovery;
import dev.cairn.Stats;

import io.micrometer.core.instrument.binder.BaseUnits;

import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * The meters that every store has: of its files, its checkpoints and its locks, and those for
 * alarms.
 */
final class StoreMeters {
    private final Meters meters;

    private StoreMeters(Meters meters) {
        this.meters = meters;
    }

    /**
     * @param recovery how the store was opened
     */
    static void bind(Meters meters, Recovery recovery) {
        StoreMeters own = new StoreMeters(meters);
        own.bindProcesses(
                // first, because this meter shows that the others belong to an open store
                recovery);
        own.bindFiles();
        own.bindWrites();
        own.bindCheckpoints();
        own.bindLocks();
    }

    private void bindProcesses(Recovery recovery) {
        gauge(
                Meters.PROCESSES,
                "processes",
                "The processes that have the store open for writing, as far as this"
                        + " process can see them.",
                Stats::processes);
        long nanos = recovery.time().toNanos();
        meters.nanosGauge(
                meters.ofStore(
                                "cairn.recovery.duration",
                                null,
                                "The time that this process took to open the store; the"
                                        + " tag says how it was opened.")
                        .tag("kind", recovery.kind().name()),
                _ -> nanos);
        meters.timeGauge(
                meters.ofStore(
                        "cairn.clock.ahead",
                        null,
                        "How far the store's clock, by which entries expire, is ahead"
                                + " of the wall clock."),
                TimeUnit.MILLISECONDS,
                Stats::clockAheadMillis);
    }

    private void bindFiles() {
        area("live", Stats::liveBytes);
        area("garbage", Stats::garbageBytes);
        area("waiting", StoreMeters::waitingBytes);
        area("free", StoreMeters::freeBytes);
        area("other", StoreMeters::otherBytes);
        area("shared-memory", Stats::sharedMemoryFileBytes);
        gauge(
                "cairn.garbage.bytes",
                BaseUnits.BYTES,
                "The bytes of the log that cleaning would free.",
                Stats::garbageBytes);
        gauge(
                "cairn.full",
                "ratio",
                "The share of the data file's bound that live entries take; NaN if"
                        + " there is no bound.",
                StoreMeters::full);
        gauge(
                "cairn.index.slots",
                "slots",
                "The number of entries for which the index has room before it grows.",
                Stats::indexSlots);
        gauge(
                "cairn.naming.state",
                "state",
                "What happened to the names of the open files: 0 nothing, 1 the"
                        + " shared-memory or the lock file lost its name, 2 the data file was"
                        + " renamed, 3 it was removed or replaced.",
                stats -> naming(stats.naming()));
        gauge(
                "cairn.damaged.stripes",
                "stripes",
                "The number of stripes in which cleaning stops at a damaged region.",
                Stats::damagedStripes);
    }

    /** Registers an area of the data file; all areas add up to its size. */
    private void area(String area, ToDoubleFunction<Stats> bytes) {
        meters.gauge(
                meters.ofStore(
                                "cairn.file.bytes",
                                BaseUnits.BYTES,
                                "The sizes of the areas of the files. All areas but"
                                        + " shared-memory, which is a file of its own, add up to"
                                        + " the data file.")
                        .tag("area", area),
                bytes);
    }

    private static double waitingBytes(Stats stats) {
        return (double) stats.waitingRegions() * stats.regionBytes();
    }

    private static double freeBytes(Stats stats) {
        return (double) stats.freeRegions() * stats.regionBytes();
    }

    /**
     * The remaining bytes. Other processes write between two reads, so a remainder below 0 counts
     * as 0.
     */
    private static double otherBytes(Stats stats) {
        double told =
                stats.liveBytes() + stats.garbageBytes() + waitingBytes(stats) + freeBytes(stats);
        return Math.max(0, stats.dataFileBytes() - told);
    }

    private static double full(Stats stats) {
        long bound = stats.maxBytes();
        return bound == 0 ? Double.NaN : (double) stats.liveBytes() / bound;
    }

    private static int naming(Stats.Naming naming) {
        return switch (naming) {
            case NAMED -> 0;
            case COMPANION_LOST -> 1;
            case RENAMED -> 2;
            case REMOVED -> 3;
        };
    }

    private void bindWrites() {
        counter("cairn.writes", "writes", "The puts and removals of all processes.", Stats::writes);
        counter(
                "cairn.overwrites",
                "overwrites",
                "The puts of this process that overwrote the record of their key in place.",
                Stats::overwritesInPlace);
        counter(
                "cairn.expirations",
                "entries",
                "The entries that had expired when their space was used again, in a"
                        + " store that evicts.",
                Stats::expirations);
    }

    private void bindCheckpoints() {
        meters.timer(
                meters.ofStore(
                        "cairn.checkpoint.duration",
                        null,
                        "The number and the duration of the checkpoints that this process made."),
                Stats::checkpoints,
                Stats::checkpointNanos);
        nanosGauge(
                "cairn.checkpoint.longest",
                "The duration of the longest checkpoint of this process since it opened the store.",
                Stats::longestCheckpointNanos);
        nanosGauge(
                "cairn.checkpoint.cut.longest",
                "The longest time for which a checkpoint of this process made writers"
                        + " wait, since it opened the store.",
                Stats::longestCutNanos);
        counter(
                "cairn.checkpoint.failures",
                "checkpoints",
                "The checkpoints of this process that failed.",
                Stats::checkpointFailures);
        counter(
                "cairn.checkpoint.waits",
                "waits",
                "The writes of this process that waited for a checkpoint because they"
                        + " were faster than the disk.",
                Stats::checkpointWaits);
        counter(
                "cairn.checkpoint.durable",
                "epochs",
                "The number of the last durable checkpoint of any process.",
                Stats::durableEpoch);
        gauge(
                "cairn.checkpoint.behind",
                "epochs",
                "The number of checkpoints that were begun since the last durable one:"
                        + " not 0 while one is being made, and after one failed.",
                stats -> Math.max(0, stats.epoch() - stats.durableEpoch() - 1));
        gauge(
                "cairn.checkpoint.state",
                "state",
                "The state of the last checkpoint of any process: 0 it succeeded, 1 it"
                        + " is under way or its process died, 2 it failed and writes are refused"
                        + " until one succeeds.",
                stats -> state(stats.state()));
    }

    private static int state(Stats.State state) {
        return switch (state) {
            case SOUND -> 0;
            case ATTEMPTED -> 1;
            case FAILED -> 2;
        };
    }

    private void bindLocks() {
        meters.timer(
                meters.ofStore(
                        "cairn.lock.wait",
                        null,
                        "The number and the duration of the waits of this process for"
                                + " locks that other processes held."),
                Stats::lockWaits,
                Stats::lockWaitNanos);
        nanosGauge(
                "cairn.lock.wait.longest",
                "The longest wait of this process for a lock since it opened the store.",
                Stats::longestLockWaitNanos);
        counter(
                "cairn.lock.takeovers",
                "takeovers",
                "The locks that this process took over from processes that died.",
                Stats::takeovers);
    }

    private void gauge(
            String name, String unit, String description, ToDoubleFunction<Stats> figure) {
        meters.gauge(meters.ofStore(name, unit, description), figure);
    }

    private void nanosGauge(String name, String description, ToDoubleFunction<Stats> figure) {
        meters.nanosGauge(meters.ofStore(name, null, description), figure);
    }

    private void counter(
            String name, String unit, String description, ToDoubleFunction<Stats> figure) {
        meters.counter(meters.ofStore(name, unit, description), figure);
    }
}
