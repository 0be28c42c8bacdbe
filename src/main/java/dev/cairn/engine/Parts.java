package dev.cairn.engine;

import dev.cairn.Options;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.checkpoint.Healer;
import dev.cairn.checkpoint.Replay;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.index.Commit;
import dev.cairn.index.Damages;
import dev.cairn.index.Folding;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Renewal;
import dev.cairn.index.StripeLocks;
import dev.cairn.index.Tables;
import dev.cairn.lock.Claims;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.Appender;
import dev.cairn.log.DataFile;
import dev.cairn.log.Records;
import dev.cairn.log.Regions;
import dev.cairn.os.MappedFile;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;

/**
 * The parts of an open store, put together: what reading takes, and what writing takes besides.
 *
 * @param writing null if the store was opened read-only
 */
record Parts(
        DataFile data,
        SharedMemory shared,
        Records records,
        KeyHash hash,
        Index index,
        @Nullable Writing writing) {

    /**
     * The parts that only writers have.
     *
     * @param appenders one for each stripe
     */
    record Writing(
            ProcessTable processes,
            Contention contention,
            Claims claims,
            SharedMemory.Locks locks,
            StripeLocks stripes,
            Appender[] appenders,
            Regions regions,
            Tables tables,
            Commit commit,
            Folding folding,
            Renewal renewal,
            Damages damages,
            Healer healer,
            Checkpointer checkpointer) {}

    static Parts forReading(MappedFile dataFile, DataHeader header, MappedFile sharedFile) {
        SharedMemory shared = new SharedMemory(sharedFile, header.stripes());
        DataFile data = new DataFile(dataFile, header, shared);
        Records records = new Records(data);
        KeyHash hash = new KeyHash(header.hashSeed());
        return new Parts(data, shared, records, hash, new Index(shared, records), null);
    }

    Parts forWriting(ProcessTable processes, Options options) {
        Contention contention = new Contention();
        long timeoutNanos = options.lockTimeout().toNanos();
        SharedMemory.Locks locks =
                new SharedMemory.Locks(shared.base(), processes, contention, timeoutNanos);
        Damages damages = new Damages(shared);
        Regions regions = new Regions(data, shared, locks, options.maxBytes());
        Appender[] appenders = new Appender[shared.stripes()];
        Arrays.setAll(
                appenders, stripe -> new Appender(data, regions, shared.stripe(stripe), stripe));
        Commit commit = new Commit(data, shared, index, regions, records, hash, appenders);
        Folding folding = new Folding(data, shared, index, hash, regions, damages);
        StripeLocks stripes = new StripeLocks(shared, processes, contention, commit, timeoutNanos);
        Healer healer = new Healer(data, shared, stripes, index, hash);
        SharedLock checkpointLock =
                new SharedLock(
                        shared.base(),
                        SharedLayout.CHECKPOINT_LOCK,
                        "the lock of checkpoints",
                        processes,
                        contention);
        return new Parts(
                data,
                shared,
                records,
                hash,
                index,
                new Writing(
                        processes,
                        contention,
                        new Claims(shared.base(), processes, contention, timeoutNanos),
                        locks,
                        stripes,
                        appenders,
                        regions,
                        new Tables(shared, locks, index, records, hash),
                        commit,
                        folding,
                        new Renewal(shared, folding, appenders, commit),
                        damages,
                        healer,
                        new Checkpointer(
                                data,
                                shared,
                                regions,
                                stripes,
                                processes,
                                checkpointLock,
                                healer)));
    }

    Writing requireWriting() {
        if (writing == null) {
            throw new UnsupportedOperationException(
                    data.path() + ": this store was opened read-only");
        }
        return writing;
    }

    /** Repairs every stripe, under the open lock, by taking its lock; tells how many had something to repair. */
    int repairAll() {
        StripeLocks stripes = requireWriting().stripes;
        int repaired = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            repaired += shared.stripe(stripe).pending() ? 1 : 0;
            stripes.holding(stripe, () -> {});
            shared.advanced(1);
        }
        return repaired;
    }

    Replay replay() {
        Writing with = requireWriting();
        return new Replay(
                data, shared, index, records, hash, with.tables, with.locks, with.regions);
    }

    Checkpointer checkpointer() {
        return requireWriting().checkpointer;
    }

    /** The cuts of a store without entries, with the versions of this one. */
    List<CheckpointSlot.Cut> emptyCuts() {
        return Checkpointer.cuts(shared).stream()
                .map(cut -> new CheckpointSlot.Cut(0, 0, 0, 0, cut.version(), 0, 0))
                .toList();
    }

    void close() {
        try {
            data.file().close();
        } finally {
            shared.file().close();
        }
    }
}
