package dev.cairn.engine;

import dev.cairn.Options;
import dev.cairn.StoreFull;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.MappedFile;

import java.io.IOException;

/** A checkpoint replayed into memory of this process alone; nothing is stored to any file. */
final class PrivateReplay {
    /** Times the room that the entries of the checkpoint take in the index, at first and at most. */
    private static final int ROOM = 4;

    private static final int MOST_ROOM = 1024;

    private PrivateReplay() {}

    /**
     * The parts for reading it, which are closed with the mapping of the data file, or if there are
     * to be none.
     *
     * @param data a mapping that nothing else uses, of all regions of the checkpoint
     * @throws dev.cairn.CorruptStore if it is damaged, or if its regions are used again meanwhile
     */
    static Parts of(
            StoreFiles files,
            MappedFile data,
            DataHeader header,
            CheckpointSlot slot,
            Options options)
            throws IOException {
        try {
            for (int room = ROOM; ; room *= 2) {
                try {
                    return of(files, data, header, slot, options, room);
                } catch (StoreFull e) {
                    if (room == MOST_ROOM) {
                        throw e;
                    }
                    // a log that once held more entries than the checkpoint
                }
            }
        } catch (Throwable e) {
            data.close();
            throw e;
        }
    }

    private static Parts of(
            StoreFiles files,
            MappedFile data,
            DataHeader header,
            CheckpointSlot slot,
            Options options,
            int room)
            throws IOException {
        MappedFile shared = SharedFiles.makePrivate(files, header, slot, room);
        try {
            Parts parts = Parts.forReading(data, header, shared);
            Parts restoring =
                    parts.forWriting(ProcessTable.solitary(files.data(), shared.first()), options);
            restoring.replay().restore(slot, SharedFiles.leastBucketsLog2(), false);
            restoring.requireWriting().regions().counts().recount();
            return parts;
        } catch (Throwable e) {
            shared.close();
            throw e;
        }
    }
}
