package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * The operating system could not make the store durable: what was written is applied and visible,
 * its durability is unknown.
 */
public final class CheckpointFailed extends CairnException {
    private static final long serialVersionUID = 1L;

    public CheckpointFailed(Path path, String why, @Nullable Throwable cause) {
        super(path, why, cause);
    }
}
