package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/** There is no space for what was to be written, and it was not written; the rest stays as it is. */
public final class StoreFull extends CairnException {
    private static final long serialVersionUID = 1L;

    private final long wanted;
    private final long freedByCheckpoint;

    public StoreFull(
            Path path, String why, long wanted, long freedByCheckpoint, @Nullable Throwable cause) {
        super(path, why, cause);
        this.wanted = wanted;
        this.freedByCheckpoint = freedByCheckpoint;
    }

    /** Bytes of the file that were to be had; 0 if that is not known. */
    public long wanted() {
        return wanted;
    }

    /** Bytes of the file that {@link CairnStore#checkpoint()} would make usable again, about. */
    public long freedByCheckpoint() {
        return freedByCheckpoint;
    }
}
