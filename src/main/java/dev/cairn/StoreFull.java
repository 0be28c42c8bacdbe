package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/** There is no space for what was to be written, and it was not written; the rest stays as it is. */
public final class StoreFull extends CairnException {
    private static final long serialVersionUID = 1L;

    public StoreFull(Path path, String why, @Nullable Throwable cause) {
        super(path + ": " + why, cause);
    }
}
