package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * What can go wrong with a store: one subtype for each cause that a caller can act on.
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

    private final String what;
    private final String name;

    /** Kept beside its name, from which not every locale can make it again; null in a copy. */
    private final transient @Nullable Path path;

    CairnException(Path path, String what, @Nullable Throwable cause) {
        super(what, cause);
        this.what = what;
        this.name = path.toString();
        this.path = path;
    }

    /** The file that it is about: the store's, or one that the store keeps beside it. */
    public final Path path() {
        return path == null ? Path.of(name) : path;
    }

    /** Names the file, the cause and, where there is one, the way out. */
    @Override
    public String getMessage() {
        return name + ": " + what;
    }
}
