package dev.cairn;

import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * Another thread or process held a lock for longer than {@link Options#lockTimeout()}, or a load
 * took longer than {@link MapBuilder#loadTimeout} or {@link CacheBuilder#loadTimeout}. A later
 * attempt may succeed.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class LockTimeout extends CairnException {
    private static final long serialVersionUID = 1L;

    /** What the caller waited for. */
    private final String awaited;

    /** Whether the holder is known. */
    private final boolean holderKnown;

    /** The process ID of the holder, if it is known. */
    private final long holder;

    /** How long the caller waited at least. */
    private final Duration waited;

    /**
     * Creates the exception.
     *
     * @param path the data file
     * @param awaited what the caller waited for
     * @param holder the process ID of the lock holder; empty if it is not known
     * @param waited how long the caller waited at least
     * @param why the message, without the file
     */
    public LockTimeout(
            Path path, String awaited, OptionalLong holder, Duration waited, String why) {
        super(path, why, null);
        this.awaited = awaited;
        this.holderKnown = holder.isPresent();
        this.holder = holder.orElse(0);
        this.waited = waited;
    }

    /** {@return what the caller waited for, for example {@code the lock of stripe 7}} */
    public String awaited() {
        return awaited;
    }

    /**
     * {@return the process ID of the lock holder, which may be this process} It is empty if the
     * holder is not known, or if it runs in another container, where process IDs have another
     * meaning.
     */
    public OptionalLong holder() {
        return holderKnown ? OptionalLong.of(holder) : OptionalLong.empty();
    }

    /** {@return how long the caller waited at least} */
    public Duration waited() {
        return waited;
    }
}
