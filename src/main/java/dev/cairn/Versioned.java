package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A value and the version under which it was written.
 *
 * @param value the caller's own copy
 * @param version positive; greater at every write of the key, for {@link
 *     CairnStore#replace(byte[], long, byte[])} and {@link CairnStore#remove(byte[], long)}
 * @param expires when the entry will be absent, as this machine's wall clock has it; null if it has no
 *     time to live
 */
public record Versioned(byte[] value, long version, @Nullable Instant expires) {
    /** Of an entry without a time to live. */
    public Versioned(byte[] value, long version) {
        this(value, version, null);
    }

    /** What is left of the entry's time to live now, not less than zero; empty if it has none. */
    public Optional<Duration> timeLeft() {
        if (expires == null) {
            return Optional.empty();
        }
        Duration left = Duration.between(Instant.now(), expires);
        return Optional.of(left.isNegative() ? Duration.ZERO : left);
    }
}
