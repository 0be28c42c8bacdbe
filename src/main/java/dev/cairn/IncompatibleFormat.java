package dev.cairn;

import java.nio.file.Path;

/** The file is no Cairn store, or one of another format version or with other fixed properties. */
public final class IncompatibleFormat extends CairnException {
    private static final long serialVersionUID = 1L;

    public IncompatibleFormat(Path path, String why) {
        super(path, why, null);
    }
}
