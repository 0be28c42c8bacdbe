package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.StoreFull;
import dev.cairn.events.StoreLog;
import dev.cairn.format.SharedLayout;
import dev.cairn.index.Mapped;
import dev.cairn.log.Regions;
import dev.cairn.stripe.Damages;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/*
 * Actors    threads of this process whose checkpoint fails or whose write finds no room; the maintenance thread.
 * Why each is logged once
 *           A checkpoint: while no process completes one, the durable epoch does not change. So one
 *           failure is logged for each value of it. The end of the failures is logged too, by the
 *           process that made the checkpoint which ended them.
 *           A full data file: until the maintenance thread finds an eighth more free regions than when it was
 *           logged, or a file that is longer by a sixteenth. So a store at its limit, of which a region
 *           becomes free now and then, still counts as full.
 *           A full index: until its file is longer.
 *           Damage: each region is handed out once.
 * What is benign
 *           What begins and ends between two looks of the maintenance thread counts as one.
 */
/** What the log says about a store's troubles: each once, until it is over. */
final class Troubles {
    private static final int FREED_SHARE = 8;
    private static final int GROWN_SHARE = 16;
    private static final long NEVER = -1;

    private final StoreLog log;
    private final Mapped mapped;
    private final Regions regions;

    /** The durable epoch when a failed checkpoint was last logged. */
    private final AtomicLong failedBehind = new AtomicLong(NEVER);

    private final AtomicBoolean failing = new AtomicBoolean();
    private final AtomicBoolean full = new AtomicBoolean();

    /** The number of the file's regions when it was logged that the file is full. */
    private volatile long regionsThen;

    /** The number of free regions at that time. */
    private volatile long freeThen;

    /** The size of the shared-memory file in bytes when it was logged that it cannot grow. */
    private final AtomicLong indexFullAt = new AtomicLong(NEVER);

    Troubles(StoreLog log, Mapped mapped, Regions regions) {
        this.log = log;
        this.mapped = mapped;
        this.regions = regions;
    }

    /** Logs that a checkpoint could not be made, or that nothing is written because of that. */
    void checkpointFailed(CheckpointFailed e) {
        long durable = mapped.shared().acquire(SharedLayout.DURABLE);
        if (failedBehind.getAndSet(durable) != durable) {
            failing.set(true);
            Throwable cause = e.getCause();
            log.warn(
                    ("a checkpoint failed%s, and writes are refused until one succeeds;"
                                            + " everything written")
                                    .formatted(cause == null ? "" : " (" + cause.getMessage() + ")")
                            + (" since checkpoint %d is visible, but is lost if"
                                            + " power fails; check the disk,")
                                    .formatted(durable)
                            + " then make a checkpoint, unless checkpoints are"
                            + " made in the background",
                    e);
        }
    }

    /** Notes that this process made a checkpoint. */
    void checkpointMade() {
        if (failing.get() && failing.compareAndSet(true, false)) {
            log.info(
                    "a checkpoint succeeded after one had failed: everything is"
                            + " durable, and writes are accepted again");
        }
    }

    /** Logs that a write was refused for lack of space. */
    void refused(StoreFull e) {
        boolean first;
        if (e.path().equals(mapped.data().path())) {
            first = full.compareAndSet(false, true) || hasGrown();
            if (first) {
                regionsThen = mapped.data().regions();
                freeThen = regions.claimable(false);
            }
        } else {
            long bytes = mapped.shared().acquire(SharedLayout.SHARED_BYTES);
            first = indexFullAt.getAndSet(bytes) != bytes;
        }
        if (first) {
            log.warn("the store is full, and a write was refused: " + log.said(e));
        }
    }

    private boolean hasGrown() {
        long before = regionsThen;
        return mapped.data().regions() - before > before / GROWN_SHARE;
    }

    /** Checks whether what was logged is over by now; called by the maintenance thread. */
    void look() {
        if (full.get()) {
            long freed = regions.claimable(false) - freeThen;
            if (hasGrown() || freed > mapped.data().regions() / FREED_SHARE) {
                full.set(false);
            }
        }
    }

    /** Logs that cleaning found a damaged region. */
    void damaged(Damages.Damage damage, boolean evicts) {
        log.warn(
                (evicts
                                ? "the entries of stripe %d were dropped because"
                                        + " of a damaged region; find out what damaged the"
                                        + " file"
                                : "cleaning of stripe %d stops at a damaged"
                                        + " region, so its log grows; salvage the store to"
                                        + " a new one")
                        .formatted(damage.stripe()),
                damage.why());
    }
}
