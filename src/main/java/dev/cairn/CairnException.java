package dev.cairn;

import org.jspecify.annotations.Nullable;

/** What can go wrong with a store: one subtype for each cause that a caller can act on. */
public abstract sealed class CairnException extends RuntimeException
        permits CorruptStore,
                IncompatibleFormat,
                StoreFull,
                StoreClosed,
                LockTimeout,
                CheckpointFailed,
                StoreReplaced,
                SystemFailure,
                UndecodableEntry,
                UnsupportedFileSystem {
    private static final long serialVersionUID = 1L;

    private final String message;

    CairnException(String message, @Nullable Throwable cause) {
        super(message, cause);
        this.message = message;
    }

    /** Names the file, the cause and, where there is one, the way out. */
    @Override
    public String getMessage() {
        return message;
    }
}
