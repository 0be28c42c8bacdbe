package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * A value, the version under which it was written, and its expiry. Two of these are equal if their
 * values have the same bytes, and their versions and expiries are equal.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="versions"}
 *
 * @param value a copy that belongs to the caller
 * @param version a positive number that grows with every write of the key, for {@link
 *     CairnStore#replace(byte[], long, byte[])} and {@link CairnStore#remove(byte[], long)}
 * @param expires when the entry expires, in terms of this machine's wall clock; null if it does not
 *     expire
 */
public record Versioned(byte[] value, long version, @Nullable Instant expires) {
    /**
     * Creates an entry that does not expire.
     *
     * @param value the value
     * @param version the version that the entry must have
     */
    public Versioned(byte[] value, long version) {
        this(value, version, null);
    }

    /**
     * {@return the remaining time to live of the entry, at least zero; empty if the entry does not
     * expire}
     */
    public Optional<Duration> timeLeft() {
        if (expires == null) {
            return Optional.empty();
        }
        Duration left = Duration.between(Instant.now(), expires);
        return Optional.of(left.isNegative() ? Duration.ZERO : left);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Versioned that
                && version == that.version
                && Objects.equals(expires, that.expires)
                && Arrays.equals(value, that.value);
    }

    @Override
    public int hashCode() {
        return Objects.hash(Arrays.hashCode(value), version, expires);
    }

    /** {@return the length of the value, the version and the expiry on one line, for people} */
    @Override
    public String toString() {
        return "Versioned[%d bytes, version %d, %s]"
                .formatted(
                        value.length,
                        version,
                        expires == null ? "does not expire" : "expires " + expires);
    }
}
