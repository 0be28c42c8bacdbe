package dev.cairn.cli;

import dev.cairn.CairnException;
import dev.cairn.CheckpointFailed;
import dev.cairn.CorruptStore;
import dev.cairn.cli.text.MalformedInput;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Objects;

/** A verb cannot go on. The message names the file, the cause and the remedy. */
public final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Failure(String message) {
        super(message);
    }

    public Failure(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** Describes an exception in one line for a person. */
    public static String describe(Throwable thrown) {
        return switch (thrown) {
            case Failure f -> message(f);
            // the store was refused: a check cannot read it either
            case CorruptStore c when c.wayOut().isPresent() -> message(c);
            case CorruptStore c -> message(c) + "; 'cairn check " + c.path() + "' lists all damage";
            case CheckpointFailed c ->
                    message(c)
                            + "; check the disk, then run 'cairn checkpoint',"
                            + " which writes everything again";
            case CairnException c -> message(c);
            case UncheckedIOException u when u.getCause() != null -> describe(cause(u));
            case FileSystemException f -> f.getFile() + ": " + reason(f);
            case IOException i -> message(i);
            case IllegalArgumentException i -> message(i);
            case UnsupportedOperationException u -> message(u);
            case OutOfMemoryError o ->
                    "out of memory (" + o.getMessage() + "); set CAIRN_OPTS=-Xmx8g to allow 8 GiB";
            default -> "unexpected error: " + thrown + "; set CAIRN_DEBUG=1 to see where";
        };
    }

    /** Whether {@link #describe} begins with the file that the exception is about. */
    static boolean namesFile(Throwable thrown) {
        return switch (cause(thrown)) {
            case Failure f -> true;
            case CairnException c -> true;
            case FileSystemException f -> true;
            case MalformedInput m -> true;
            default -> false;
        };
    }

    static boolean isBrokenPipe(Throwable thrown) {
        return cause(thrown) instanceof IOException e && message(e).endsWith("Broken pipe");
    }

    private static Throwable cause(Throwable thrown) {
        return thrown instanceof UncheckedIOException u
                ? Objects.requireNonNullElse(u.getCause(), u)
                : thrown;
    }

    private static String reason(FileSystemException thrown) {
        return switch (thrown) {
            case NoSuchFileException n when n.getReason() == null -> "no such file or directory";
            case AccessDeniedException a -> "permission denied";
            case FileAlreadyExistsException f -> "the file exists already; name another file";
            case NotDirectoryException n -> "not a directory";
            default -> thrown.getReason() == null ? thrown.toString() : thrown.getReason();
        };
    }

    private static String message(Throwable thrown) {
        return thrown.getMessage() == null ? thrown.toString() : thrown.getMessage();
    }
}
