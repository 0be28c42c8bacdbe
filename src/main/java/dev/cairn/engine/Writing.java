package dev.cairn.engine;

import dev.cairn.Options;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.checkpoint.Healer;
import dev.cairn.checkpoint.Replay;
import dev.cairn.format.SharedLayout;
import dev.cairn.index.Mapped;
import dev.cairn.index.Tables;
import dev.cairn.lock.Claims;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.Regions;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Stripes;

/** What a process that may write has of a store, besides what reading needs. */
record Writing(
        Mapped mapped,
        ProcessTable processes,
        Contention contention,
        Claims claims,
        SharedMemory.Locks locks,
        Regions regions,
        Tables tables,
        Stripes stripes,
        Healer healer,
        Checkpointer checkpointer) {

    static Writing of(Mapped mapped, ProcessTable processes, Options options) {
        SharedMemory shared = mapped.shared();
        Contention contention = new Contention();
        long timeoutNanos = options.lockTimeout().toNanos();
        SharedMemory.Locks locks =
                new SharedMemory.Locks(shared.base(), processes, contention, timeoutNanos);
        Regions regions = new Regions(mapped.data(), shared, locks, options.maxBytes());
        Tables tables = new Tables(shared, locks, mapped.index(), mapped.records(), mapped.hash());
        Stripes stripes = new Stripes(mapped, regions, tables, processes, contention, timeoutNanos);
        Healer healer = new Healer(mapped, stripes);
        SharedLock checkpointLock =
                new SharedLock(
                        shared.base(),
                        SharedLayout.CHECKPOINT_LOCK,
                        "the lock of checkpoints",
                        processes,
                        contention);
        return new Writing(
                mapped,
                processes,
                contention,
                new Claims(shared.base(), processes, contention, timeoutNanos),
                locks,
                regions,
                tables,
                stripes,
                healer,
                new Checkpointer(
                        mapped.data(),
                        shared,
                        regions,
                        stripes,
                        processes,
                        checkpointLock,
                        healer));
    }

    Replay replay() {
        return new Replay(mapped, tables, locks, regions);
    }

    void lengthenTimeout(long nanos) {
        locks.lengthenTimeout(nanos);
        stripes.lengthenTimeout(nanos);
        claims.lengthenTimeout(nanos);
    }

    /** Waits for threads of this process that hold a lock, and lets no thread take another one. */
    void retire() {
        stripes.retire();
        checkpointer.retire();
        locks.retire();
    }

    /** Leaves the store, of which nothing may be used any more. */
    void leave() {
        try {
            processes.leave();
        } finally {
            mapped.close();
        }
    }
}
