package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.IncompatibleFormat;
import dev.cairn.index.Index;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.io.IOException;

/**
 * The index with which a store was closed, if its shared-memory file is available and belongs to
 * the checkpoint that is salvaged. It says of each record whether it is live. No checksum covers
 * it, so it is asked only if the log leaves a doubt.
 */
final class SalvageIndex implements AutoCloseable {
    /** Whether a record is the live one of its key. */
    enum Liveness {
        YES,
        NO,
        UNKNOWN
    }

    private final @Nullable MappedFile file;
    private final @Nullable SharedMemory shared;

    private SalvageIndex(@Nullable MappedFile file, int stripes) {
        this.file = file;
        this.shared = file == null ? null : new SharedMemory(file, stripes);
    }

    static SalvageIndex of(StoreFiles files, SalvageSource source) throws IOException {
        DataFiles.Prefix prefix = source.prefix();
        int stripes = source.header().stripes();
        if (prefix == null) {
            return new SalvageIndex(null, stripes);
        }
        try (OpenFile data = OpenFile.open(files.data(), false)) {
            return new SalvageIndex(
                    switch (SharedFiles.look(files, data, prefix, false)) {
                        case SharedFiles.Clean(OpenFile file, long bytes) ->
                                MappedFile.map(file, bytes);
                        case SharedFiles.Usable(OpenFile file, long _) -> {
                            file.close();
                            yield null;
                        }
                        case SharedFiles.Useless _ -> null;
                    },
                    stripes);
        } catch (CorruptStore | IncompatibleFormat | InternalError _) {
            return new SalvageIndex(null, stripes); // it answers nothing
        }
    }

    /** Whether it belongs to the checkpoint that is salvaged, which is then the newest. */
    boolean isThere() {
        return shared != null;
    }

    Liveness counts(int stripe, long hash, long offset) {
        if (shared == null) {
            return Liveness.UNKNOWN;
        }
        try {
            return Index.pointsTo(shared, shared.table(stripe), hash, offset)
                    ? Liveness.YES
                    : Liveness.NO;
        } catch (CorruptStore | InternalError | IndexOutOfBoundsException _) {
            return Liveness.UNKNOWN;
        }
    }

    @Override
    public void close() {
        if (file != null) {
            file.close();
        }
    }
}
