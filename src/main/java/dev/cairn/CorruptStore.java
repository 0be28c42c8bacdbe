package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.Optional;

/** Bytes of a store's file are not what a sound store holds; what was stored stays as it is. */
public final class CorruptStore extends CairnException {
    private static final long serialVersionUID = 1L;

    private final long offset;
    private final String expected;
    private final String found;
    private final @Nullable String wayOut;

    /**
     * @param path the damaged file
     * @param offset where in it, in bytes from its start
     * @param expected what a sound store has there
     * @param found what is there
     */
    public CorruptStore(Path path, long offset, String expected, String found) {
        this(path, offset, expected, found, null, null);
    }

    /** As the other one, where the damage itself tells the way out. */
    public CorruptStore(Path path, long offset, String expected, String found, String wayOut) {
        this(path, offset, expected, found, wayOut, null);
    }

    private CorruptStore(
            Path path,
            long offset,
            String expected,
            String found,
            @Nullable String wayOut,
            @Nullable CorruptStore refused) {
        super(
                path,
                "at byte %d: expected %s, found %s%s"
                        .formatted(offset, expected, found, wayOut == null ? "" : "; " + wayOut),
                refused);
        this.offset = offset;
        this.expected = expected;
        this.found = found;
        this.wayOut = wayOut;
    }

    /** The same for a store that cannot be opened, or copied, for it: names the way out. */
    public CorruptStore refusing() {
        return wayOut != null
                ? this
                : new CorruptStore(
                        path(),
                        offset,
                        expected,
                        found,
                        "Cairn.salvage, or 'cairn salvage FILE TARGET', copies what is sound of it",
                        this);
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

    /** What helps, where the store could not be opened, or copied, for the damage; else empty. */
    public Optional<String> wayOut() {
        return Optional.ofNullable(wayOut);
    }
}
