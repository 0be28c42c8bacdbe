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

/** A checkpoint replayed into memory of this process alone; nothing is stored to any file. */
final class PrivateReplay {
    /**
     * Room that tables find which are built anew, because their stripe's log once held more entries
     * than the checkpoint does, in sixteenths of that of the others: at first, by what it is
     * multiplied if that is too little, and at most. The memory is zeroed, so what is too much is
     * paid for.
     */
    private static final long SPARE = 1;

    private static final long SPARE_FACTOR = 32;
    private static final long MOST_SPARE = 1 << 15;

    private PrivateReplay() {}

    /**
     * For reading the log of a checkpoint alone: nothing is replayed, and there is no index.
     *
     * @param data a mapping that nothing else uses, of all regions of the checkpoint; it is closed with
     *     the result, or if there is to be none
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
     * For reading it; the mapping of the data file is closed with the result, or if there is to be
     * none.
     *
     * @param data a mapping that nothing else uses, of all regions of the checkpoint
     * @throws dev.cairn.CorruptStore if it is damaged, or if its regions are used again meanwhile
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
