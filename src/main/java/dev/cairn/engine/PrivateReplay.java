package dev.cairn.engine;

import dev.cairn.Options;
import dev.cairn.StoreFull;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.index.Mapped;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.MappedFile;

import java.io.IOException;

/**
 * A checkpoint that is replayed into memory of this process alone; nothing is written to any file.
 */
final class PrivateReplay {
    /**
     * The spare room for tables, in sixteenths of what the entries of the checkpoint need. A table
     * needs spare room if it must be rebuilt, because its stripe's log once held more entries. The
     * three constants are the first try, the factor for the next try, and the limit. The memory is
     * zeroed, so too much of it costs time.
     */
    private static final long SPARE = 1;

    private static final long SPARE_FACTOR = 32;
    private static final long MOST_SPARE = 1 << 15;

    private PrivateReplay() {}

    /**
     * Prepares to read only the log of a checkpoint: nothing is replayed, and there is no index.
     *
     * @param data a mapping of all regions of the checkpoint that nothing else uses; it is closed
     *     with the result, or if this method fails
     */
    static Mapped logOf(StoreFiles files, MappedFile data, DataHeader header, CheckpointSlot slot) {
        MappedFile shared = null;
        try {
            shared = MappedFile.anonymous(files.shared(), SharedLayout.areasAt(header));
            Words.release(shared.first(), SharedLayout.REGIONS, slot.regions());
            return Mapped.of(data, header, shared);
        } catch (Throwable e) {
            data.close();
            if (shared != null) {
                shared.close();
            }
            throw e;
        }
    }

    /**
     * Replays a checkpoint in order to read it.
     *
     * @param data a mapping of all regions of the checkpoint that nothing else uses; it is closed
     *     with the result, or if this method fails
     * @throws dev.cairn.CorruptStore if the checkpoint is damaged, or if its regions are reused
     *     meanwhile
     */
    static Mapped of(
            StoreFiles files,
            MappedFile data,
            DataHeader header,
            CheckpointSlot slot,
            Options options)
            throws IOException {
        try {
            for (long spare = SPARE; ; spare *= SPARE_FACTOR) {
                try {
                    return of(files, data, header, slot, options, spare);
                } catch (StoreFull e) {
                    if (spare >= MOST_SPARE) {
                        throw e;
                    }
                }
            }
        } catch (Throwable e) {
            data.close();
            throw e;
        }
    }

    private static Mapped of(
            StoreFiles files,
            MappedFile data,
            DataHeader header,
            CheckpointSlot slot,
            Options options,
            long spare)
            throws IOException {
        MappedFile shared = SharedFiles.makePrivate(files, header, slot, spare);
        try {
            Mapped mapped = Mapped.of(data, header, shared);
            ProcessTable solitary = ProcessTable.solitary(files.data(), shared.first());
            Writing restoring = Writing.of(mapped, solitary, options);
            restoring.replay().restore(slot, SharedFiles.leastBucketsLog2(), false);
            restoring.regions().counts().recount();
            return mapped;
        } catch (Throwable e) {
            shared.close();
            throw e;
        }
    }
}
