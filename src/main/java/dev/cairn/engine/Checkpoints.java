package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Stripes;

/**
 * The checkpoints that a process makes, both in the background and on request, and the last
 * checkpoint of any process that it knows.
 */
final class Checkpoints {
    private final Checkpointer checkpointer;
    private final SharedMemory shared;
    private final Stripes stripes;
    private final Troubles troubles;
    private volatile boolean unasked;

    /**
     * The epoch of the last checkpoint that this process knows; the allocation counter at about
     * that time.
     */
    private volatile long seenDurable;

    private final boolean nothingWaits;
    private volatile long allocationsThen;

    /**
     * @param nothingWaits whether a region is free as soon as it dies, as in a store of class NONE
     */
    Checkpoints(
            Checkpointer checkpointer,
            SharedMemory shared,
            Stripes stripes,
            Troubles troubles,
            boolean unasked,
            boolean nothingWaits) {
        this.nothingWaits = nothingWaits;
        this.checkpointer = checkpointer;
        this.shared = shared;
        this.stripes = stripes;
        this.troubles = troubles;
        makeUnasked(unasked);
        note();
    }

    /** Whether checkpoints are made in the background. A store of class NONE has none. */
    static boolean areUnasked(Options options, DataHeader header) {
        return options.checkpointEvery() != null && header.durability() != Durability.NONE;
    }

    /** Sets whether checkpoints are made in the background, and adjusts the tolerated garbage. */
    void makeUnasked(boolean from) {
        unasked = from;
        stripes.cleanFor(from || nothingWaits);
    }

    /** Whether checkpoints are made in the background. */
    boolean unasked() {
        return unasked;
    }

    /** Makes a checkpoint of everything that was written before this call; returns its epoch. */
    long make() {
        long epoch = makeWithin(stripes.timeoutNanos());
        note();
        return epoch;
    }

    /**
     * Makes a checkpoint as {@link #make} does, but waits for others no longer than {@code nanos}.
     */
    long makeWithin(long nanos) {
        return make(checkpointer.need(), nanos);
    }

    /** Makes sure that a checkpoint of that epoch or a later one is durable; logs a failure. */
    long make(long need, long nanos) {
        long before = checkpointer.tally().made();
        try {
            long epoch = checkpointer.checkpoint(need, nanos);
            if (checkpointer.tally().made() != before) {
                troubles.checkpointMade();
            }
            return epoch;
        } catch (CheckpointFailed e) {
            troubles.checkpointFailed(e);
            throw e;
        }
    }

    /** The epoch that a checkpoint must have to cover what was written before this call. */
    long need() {
        return checkpointer.need();
    }

    /**
     * Makes a checkpoint if something changed, and if no process has made one since the last call.
     */
    boolean makeIfDue() {
        boolean due =
                unasked
                        && shared.acquire(SharedLayout.DURABLE) == seenDurable
                        && checkpointer.isBehind();
        if (due) {
            long _ = make();
        }
        return due;
    }

    /** Notes the last checkpoint, which may be another process's. */
    void note() {
        long durable = shared.acquire(SharedLayout.DURABLE);
        if (durable != seenDurable) {
            seenDurable = durable;
            allocationsThen = shared.acquire(SharedLayout.ALLOCATIONS);
        }
    }

    /** About how many regions were claimed since the last checkpoint that was noted. */
    long claimedSince() {
        return shared.acquire(SharedLayout.ALLOCATIONS) - allocationsThen;
    }

    void dropDeadPins() {
        checkpointer.dropDeadPins();
    }
}
