package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * There was no space for a write. The write was not done, and the store is unchanged.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class StoreFull extends CairnException {
    private static final long serialVersionUID = 1L;

    /** How many bytes were needed; 0 if that is not known. */
    private final long wanted;

    /** About how many bytes a checkpoint would make usable again. */
    private final long freedByCheckpoint;

    /**
     * Creates the exception.
     *
     * @param path the file that has no space
     * @param why the reason, and the remedy
     * @param wanted how many bytes were needed; 0 if that is not known
     * @param freedByCheckpoint about how many bytes a checkpoint would make usable again
     * @param cause the error of the operating system, or null
     */
    public StoreFull(
            Path path, String why, long wanted, long freedByCheckpoint, @Nullable Throwable cause) {
        super(path, why, cause);
        this.wanted = wanted;
        this.freedByCheckpoint = freedByCheckpoint;
    }

    /** {@return how many bytes of the file were needed; 0 if that is not known} */
    public long wanted() {
        return wanted;
    }

    /**
     * {@return about how many bytes of the file {@link CairnStore#checkpoint()} would make usable
     * again}
     */
    public long freedByCheckpoint() {
        return freedByCheckpoint;
    }
}
