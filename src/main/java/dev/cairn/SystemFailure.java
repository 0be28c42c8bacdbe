package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * The operating system refused what the store asked it for, such as a mapping or the growth of a
 * file, and not for want of space. What the call was to do was not done; the store can be used on.
 */
public final class SystemFailure extends CairnException {
    private static final long serialVersionUID = 1L;

    public SystemFailure(Path path, String what, @Nullable Throwable cause) {
        super(path, what + (cause == null ? "" : ": " + cause.getMessage()), cause);
    }
}
