package dev.cairn;

import java.nio.file.Path;

/** A process has the store open, for writing say, and what was asked for takes one that nobody has. */
public final class StoreInUse extends CairnException {
    private static final long serialVersionUID = 1L;

    public StoreInUse(Path path, String why) {
        super(path, why, null);
    }
}
