package dev.cairn;

import java.nio.file.Path;

/** Bytes of a store's file are not what a sound store holds; what was stored stays as it is. */
public final class CorruptStore extends CairnException {
    private static final long serialVersionUID = 1L;

    private final transient Path path;
    private final long offset;
    private final String expected;
    private final String found;

    /**
     * @param path the damaged file
     * @param offset where in it, in bytes from its start
     * @param expected what a sound store has there
     * @param found what is there
     */
    public CorruptStore(Path path, long offset, String expected, String found) {
        super(
                "%s: at byte %d: expected %s, found %s".formatted(path, offset, expected, found),
                null);
        this.path = path;
        this.offset = offset;
        this.expected = expected;
        this.found = found;
    }

    private CorruptStore(CorruptStore refused, String wayOut) {
        super(refused.getMessage() + "; " + wayOut, refused);
        this.path = refused.path;
        this.offset = refused.offset;
        this.expected = refused.expected;
        this.found = refused.found;
    }

    /** The same for a store that cannot be opened, or copied, for it: names the way out. */
    public CorruptStore refusing() {
        return new CorruptStore(
                this, "Cairn.salvage, or 'cairn salvage FILE TARGET', copies what is sound of it");
    }

    public Path path() {
        return path;
    }

    /** Bytes from the start of the file. */
    public long offset() {
        return offset;
    }

    public String expected() {
        return expected;
    }

    public String found() {
        return found;
    }
}
