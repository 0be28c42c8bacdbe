package dev.cairn;

import java.nio.file.Path;

/** A lock was not to be had in {@link Options#lockTimeout()}; the message names its holder. */
public final class LockTimeout extends CairnException {
    private static final long serialVersionUID = 1L;

    public LockTimeout(Path path, String why) {
        super(path + ": " + why, null);
    }
}
