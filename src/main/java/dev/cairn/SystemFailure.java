package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * The operating system refused a resource, such as a mapping or the growth of a file, for another
 * reason than lack of space. The operation was not done; the store can still be used.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class SystemFailure extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the file
     * @param what what the operating system refused
     * @param cause the error of the operating system, whose message is appended, or null
     */
    public SystemFailure(Path path, String what, @Nullable Throwable cause) {
        super(path, what + (cause == null ? "" : ": " + cause.getMessage()), cause);
    }
}
