package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * The operating system could not make the store durable. All writes are applied and visible, but
 * their durability is unknown.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class CheckpointFailed extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the data file
     * @param why what failed, and the remedy
     * @param cause the error of the operating system, or null
     */
    public CheckpointFailed(Path path, String why, @Nullable Throwable cause) {
        super(path, why, cause);
    }
}
