package dev.cairn;

import java.nio.file.Path;

/** The file lies where memory shared by processes is not coherent, on a network file system say. */
public final class UnsupportedFileSystem extends CairnException {
    private static final long serialVersionUID = 1L;

    public UnsupportedFileSystem(Path path, String why) {
        super(path, why, null);
    }
}
