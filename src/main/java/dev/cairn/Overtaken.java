package dev.cairn;

import java.nio.file.Path;

/**
 * A checkpoint was read without keeping anybody from writing, and newer ones overtook it. What a
 * read-only store showed as a snapshot is gone then: open it again.
 */
public final class Overtaken extends CairnException {
    private static final long serialVersionUID = 1L;

    public Overtaken(Path path, String why) {
        super(path, why, null);
    }
}
