package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A file of the store contains bytes that a sound store does not have. The file is left as it is.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class CorruptStore extends CairnException {
    private static final long serialVersionUID = 1L;

    /** The position of the damage, in bytes from the start of the file; negative if unknown. */
    private final long offset;

    /** What a sound store has there. */
    private final String expected;

    /** What was found there. */
    private final String found;

    /** The remedy, or null. */
    private final @Nullable String wayOut;

    /**
     * Creates an exception that names no remedy.
     *
     * @param path the damaged file
     * @param offset the position of the damage, in bytes from the start of the file; -1 if unknown
     * @param expected what a sound store has there
     * @param found what is there
     */
    public CorruptStore(Path path, long offset, String expected, String found) {
        this(path, offset, expected, found, null, null);
    }

    /**
     * Creates an exception that names a remedy.
     *
     * @param path the damaged file
     * @param offset the position of the damage, in bytes from the start of the file; -1 if unknown
     * @param expected what a sound store has there
     * @param found what is there
     * @param wayOut the remedy
     */
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
                "%sexpected %s, found %s%s"
                        .formatted(
                                offset < 0 ? "" : "at byte " + offset + ": ",
                                expected,
                                found,
                                wayOut == null ? "" : "; " + wayOut),
                refused);
        this.offset = offset;
        this.expected = expected;
        this.found = found;
        this.wayOut = wayOut;
    }

    /**
     * {@return this exception with a remedy for a store that cannot be opened or copied because of
     * the damage} It is this exception itself if that names a remedy already.
     */
    public CorruptStore refusing() {
        return wayOut != null
                ? this
                : new CorruptStore(
                        path(),
                        offset,
                        expected,
                        found,
                        "use Cairn.salvage, or 'cairn salvage FILE TARGET', to copy"
                                + " what is sound to a new store",
                        this);
    }

    /** {@return the position of the damage, in bytes from the start of the file; -1 if unknown} */
    public long offset() {
        return offset;
    }

    /** {@return what a sound store has at the position of the damage} */
    public String expected() {
        return expected;
    }

    /** {@return what was found at the position of the damage} */
    public String found() {
        return found;
    }

    /**
     * {@return the remedy, if the store could not be opened or copied because of the damage;
     * otherwise empty}
     */
    public Optional<String> wayOut() {
        return Optional.ofNullable(wayOut);
    }
}
