package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * The base class of all exceptions about a store. There is one subclass for each cause on which a
 * caller can act.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public abstract sealed class CairnException extends RuntimeException
        permits CorruptStore,
                IncompatibleFormat,
                StoreFull,
                StoreClosed,
                StoreInUse,
                LockTimeout,
                LimitReached,
                Overtaken,
                CheckpointFailed,
                StoreReplaced,
                SystemFailure,
                UndecodableEntry,
                UnsupportedFileSystem {
    private static final long serialVersionUID = 1L;

    /** The message without the file. */
    private final String what;

    /** The text of the path. */
    private final String name;

    /**
     * The path itself, because not every locale can make it again from its name. It is null in a
     * deserialized exception.
     */
    private final transient @Nullable Path path;

    CairnException(Path path, String what, @Nullable Throwable cause) {
        super(what, cause);
        this.what = what;
        this.name = path.toString();
        this.path = path;
    }

    /**
     * {@return the file that the exception is about: the store's data file, or a file that the
     * store keeps beside it}
     */
    public final Path path() {
        return path == null ? Path.of(name) : path;
    }

    /** {@return the file, the cause and, if there is one, the remedy} */
    @Override
    public String getMessage() {
        return name + ": " + what;
    }
}
