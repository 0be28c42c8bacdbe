package dev.cairn;

import java.nio.file.Path;

/** The store was used after {@link CairnStore#close()}, or its snapshot was overtaken. */
public final class StoreClosed extends CairnException {
    private static final long serialVersionUID = 1L;

    public StoreClosed(Path path) {
        this(path, "this store is closed; open it again with Cairn.open");
    }

    public StoreClosed(Path path, String why) {
        super(path + ": " + why, null);
    }
}
