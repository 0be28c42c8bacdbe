package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;

/**
 * How to open a store. What is a property of the file (stripes, durability {@link Durability#NONE} or
 * not) counts when the file is created; opening an existing file takes over the file's own, and {@link
 * Durability#EACH_WRITE} is refused where the file was created with {@code NONE}.
 *
 * <p>All who open a store in one process share it. Of their own are {@code readOnly}, {@code EACH_WRITE},
 * {@code defaultTimeToLive}, and the {@code permissions} of a backup. Of the others what asks for most
 * counts, for all, from the moment it is asked for until the last of them has closed the store: the
 * smallest {@code maxBytes}, the longest {@code lockTimeout}, the shortest {@code checkpointEvery}. So
 * checkpoints are manual only where everybody asks for that. Who opens it read-only asks for nothing.
 *
 * @param maxBytes upper bound of the data file in bytes, 0 for none
 * @param stripes locks that writers share, a power of two from 1 to {@value #MAX_STRIPES}
 * @param durability when writes are safe from power loss
 * @param checkpointEvery about how long a write waits for a checkpoint in the background, twice that at
 *     most while the disk keeps up; null for manual checkpoints only: then the space of what was
 *     overwritten or removed waits for them too
 * @param readOnly write nothing at all: works on files and file systems that cannot be written to
 * @param lockTimeout how long to wait for a lock of a live holder before {@link LockTimeout}; for a
 *     process that opens, recovers or closes the store, how long without any progress of it
 * @param permissions of the files that are created, whatever the umask; files that are made anew
 *     beside an existing data file take over its permissions and, as far as the system lets the
 *     process, its owner and group
 * @param defaultTimeToLive for every put that names none; null for ever
 */
public record Options(
        long maxBytes,
        int stripes,
        Durability durability,
        @Nullable Duration checkpointEvery,
        boolean readOnly,
        Duration lockTimeout,
        Set<PosixFilePermission> permissions,
        @Nullable Duration defaultTimeToLive) {

    public static final int MAX_STRIPES = 4096;

    /** What can be counted in nanoseconds. */
    static final Duration LONGEST = Duration.ofDays(36_500);

    private static final Options DEFAULTS =
            new Options(
                    0,
                    64,
                    Durability.CHECKPOINT,
                    Duration.ofSeconds(1),
                    false,
                    Duration.ofSeconds(10),
                    Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE),
                    null);

    /**
     * @throws IllegalArgumentException when a component is out of its range
     * @throws NullPointerException when one is null that must not be
     */
    public Options {
        if (maxBytes < 0) {
            throw new IllegalArgumentException("maxBytes is negative: " + maxBytes);
        }
        if (Integer.bitCount(stripes) != 1 || stripes < 1 || stripes > MAX_STRIPES) {
            throw new IllegalArgumentException(
                    "stripes is no power of two from 1 to " + MAX_STRIPES + ": " + stripes);
        }
        Objects.requireNonNull(durability, "durability");
        Objects.requireNonNull(lockTimeout, "lockTimeout");
        Objects.requireNonNull(permissions, "permissions");
        if (checkpointEvery != null && !checkpointEvery.isPositive()) {
            throw new IllegalArgumentException(
                    "checkpointEvery is not positive: " + checkpointEvery);
        }
        if (lockTimeout.isNegative() || lockTimeout.isZero()) {
            throw new IllegalArgumentException("lockTimeout is not positive: " + lockTimeout);
        }
        if (defaultTimeToLive != null && !defaultTimeToLive.isPositive()) {
            throw new IllegalArgumentException(
                    "defaultTimeToLive is not positive: " + defaultTimeToLive);
        }
        requireCountable(lockTimeout, "lockTimeout");
        requireCountable(checkpointEvery, "checkpointEvery");
        permissions = Set.copyOf(permissions);
    }

    private static void requireCountable(@Nullable Duration time, String name) {
        if (time != null && time.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(name + " is longer than a century: " + time);
        }
    }

    /**
     * 64 stripes, no upper bound, a checkpoint every second in which something changed, files
     * readable by their owner only.
     */
    public static Options defaults() {
        return DEFAULTS;
    }

    public Options withMaxBytes(long bytes) {
        return new Options(
                bytes,
                stripes,
                durability,
                checkpointEvery,
                readOnly,
                lockTimeout,
                permissions,
                defaultTimeToLive);
    }

    public Options withStripes(int count) {
        return new Options(
                maxBytes,
                count,
                durability,
                checkpointEvery,
                readOnly,
                lockTimeout,
                permissions,
                defaultTimeToLive);
    }

    public Options withDurability(Durability when) {
        return new Options(
                maxBytes,
                stripes,
                when,
                checkpointEvery,
                readOnly,
                lockTimeout,
                permissions,
                defaultTimeToLive);
    }

    public Options withCheckpointEvery(Duration atMost) {
        return withCheckpoints(Objects.requireNonNull(atMost, "atMost"));
    }

    /** No checkpoints but those that somebody asks for, and that of the last close. */
    public Options withManualCheckpoints() {
        return withCheckpoints(null);
    }

    private Options withCheckpoints(@Nullable Duration atMost) {
        return new Options(
                maxBytes,
                stripes,
                durability,
                atMost,
                readOnly,
                lockTimeout,
                permissions,
                defaultTimeToLive);
    }

    public Options withReadOnly(boolean only) {
        return new Options(
                maxBytes,
                stripes,
                durability,
                checkpointEvery,
                only,
                lockTimeout,
                permissions,
                defaultTimeToLive);
    }

    public Options withLockTimeout(Duration timeout) {
        return new Options(
                maxBytes,
                stripes,
                durability,
                checkpointEvery,
                readOnly,
                timeout,
                permissions,
                defaultTimeToLive);
    }

    public Options withPermissions(Set<PosixFilePermission> ofCreatedFiles) {
        return new Options(
                maxBytes,
                stripes,
                durability,
                checkpointEvery,
                readOnly,
                lockTimeout,
                ofCreatedFiles,
                defaultTimeToLive);
    }

    public Options withDefaultTimeToLive(@Nullable Duration timeToLive) {
        return new Options(
                maxBytes,
                stripes,
                durability,
                checkpointEvery,
                readOnly,
                lockTimeout,
                permissions,
                timeToLive);
    }
}
