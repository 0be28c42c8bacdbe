package dev.cairn.engine;

import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Stripes;

/** The checkpoints that a process makes unasked, and the last one that it knows of, whoever made it. */
final class Checkpoints {
    private final Checkpointer checkpointer;
    private final SharedMemory shared;
    private final Stripes stripes;
    private volatile boolean unasked;

    /** Epoch of the last one that this process knows of, and the allocation counter about then. */
    private volatile long seenDurable;

    private final boolean nothingWaits;
    private volatile long allocationsThen;

    /**
     * @param nothingWaits whether what dies is free at once, as in a store of class NONE
     */
    Checkpoints(
            Checkpointer checkpointer,
            SharedMemory shared,
            Stripes stripes,
            boolean unasked,
            boolean nothingWaits) {
        this.nothingWaits = nothingWaits;
        this.checkpointer = checkpointer;
        this.shared = shared;
        this.stripes = stripes;
        makeUnasked(unasked);
        note();
    }

    /** Whether they come by themselves; a store of class NONE has none. */
    static boolean areUnasked(Options options, DataHeader header) {
        return options.checkpointEvery() != null && header.durability() != Durability.NONE;
    }

    /** From now on; garbage is tolerated accordingly. */
    void makeUnasked(boolean from) {
        unasked = from;
        stripes.cleanFor(from || nothingWaits);
    }

    /** Whether they come by themselves. */
    boolean unasked() {
        return unasked;
    }

    /** Makes one, of what was written before this call; its epoch. */
    long make() {
        long epoch = makeWithin(stripes.timeoutNanos());
        note();
        return epoch;
    }

    /** As {@link #make}, without waiting for others for longer. */
    long makeWithin(long nanos) {
        return checkpointer.checkpoint(checkpointer.need(), nanos);
    }

    /** Makes one if something changed, and nobody made one since this was called last. */
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

    /** Notes the last one, perhaps another process's. */
    void note() {
        long durable = shared.acquire(SharedLayout.DURABLE);
        if (durable != seenDurable) {
            seenDurable = durable;
            allocationsThen = shared.acquire(SharedLayout.ALLOCATIONS);
        }
    }

    /** Regions that were claimed since the last one that was noted, about. */
    long claimedSince() {
        return shared.acquire(SharedLayout.ALLOCATIONS) - allocationsThen;
    }

    void dropDeadPins() {
        checkpointer.dropDeadPins();
    }
}
