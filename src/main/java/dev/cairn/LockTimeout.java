package dev.cairn;

import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * Another thread or process kept something to itself for longer than {@link Options#lockTimeout()},
 * or than {@link MapBuilder#loadTimeout} where a load of it was waited for. It may succeed later.
 */
public final class LockTimeout extends CairnException {
    private static final long serialVersionUID = 1L;

    private final String awaited;
    private final boolean holderKnown;
    private final long holder;
    private final Duration waited;

    public LockTimeout(
            Path path, String awaited, OptionalLong holder, Duration waited, String why) {
        super(path, why, null);
        this.awaited = awaited;
        this.holderKnown = holder.isPresent();
        this.holder = holder.orElse(0);
        this.waited = waited;
    }

    /** What was waited for, {@code the lock of stripe 7} for instance. */
    public String awaited() {
        return awaited;
    }

    /**
     * The process that has it, this one perhaps. Empty if that is not known, or if the process is one
     * of another container, where numbers mean others.
     */
    public OptionalLong holder() {
        return holderKnown ? OptionalLong.of(holder) : OptionalLong.empty();
    }

    /** How long it was waited for, at least. */
    public Duration waited() {
        return waited;
    }
}
