package dev.cairn.engine;

import dev.cairn.Options;
import dev.cairn.StoreFull;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
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
     * The parts for reading the log of a checkpoint alone: nothing is replayed, and there is no index.
     */
    static Parts logOf(StoreFiles files, DataHeader header, CheckpointSlot slot)
            throws IOException {
        MappedFile shared =
                MappedFile.anonymous(files.shared(), SharedLayout.areasAt(header.stripes()));
        MappedFile data = null;
        try {
            Words.release(shared.first(), SharedLayout.REGIONS, slot.regions());
            DataFiles.requireLength(files.data(), header, slot.regions());
            data = MappedFile.map(files.data(), header.regionAt(slot.regions()), false);
            return Parts.forReading(data, header, shared);
        } catch (Throwable e) {
            if (data != null) {
                data.close();
            }
            shared.close();
            throw e;
        }
    }

    /**
     * The parts for reading it.
     *
     * @throws dev.cairn.CorruptStore if it is damaged, or if its regions are used again meanwhile
     */
    static Parts of(StoreFiles files, DataHeader header, CheckpointSlot slot, Options options)
            throws IOException {
        for (long spare = SPARE; ; spare *= SPARE_FACTOR) {
            try {
                return of(files, header, slot, options, spare);
            } catch (StoreFull e) {
                if (spare >= MOST_SPARE) {
                    throw e;
                }
            }
        }
    }

    private static Parts of(
            StoreFiles files, DataHeader header, CheckpointSlot slot, Options options, long spare)
            throws IOException {
        MappedFile shared = SharedFiles.makePrivate(files, header, slot, spare);
        MappedFile data = null;
        try {
            DataFiles.requireLength(files.data(), header, slot.regions());
            data = MappedFile.map(files.data(), header.regionAt(slot.regions()), false);
            Parts parts = Parts.forReading(data, header, shared);
            parts.forWriting(ProcessTable.solitary(files.data(), shared.first()), options)
                    .replay()
                    .restore(slot, SharedFiles.leastBucketsLog2(), false);
            return parts;
        } catch (Throwable e) {
            if (data != null) {
                data.close();
            }
            shared.close();
            throw e;
        }
    }
}
