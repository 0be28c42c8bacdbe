package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;

/**
 * How to open a store. What is a property of the file (stripes, durability {@link Durability#NONE} or
 * not, eviction with its {@code maxBytes}, {@code expireAfterAccess}) counts when the file is created;
 * opening an existing file takes over the file's own. {@link Durability#EACH_WRITE} is refused where the
 * file was created with {@code NONE}, eviction and {@code expireAfterAccess} where it was created without.
 *
 * <p>All who open a store in one process share it. Of their own are {@code readOnly}, {@code EACH_WRITE},
 * {@code defaultTimeToLive}, {@code timeToLiveJitter}, and the {@code permissions} of a backup. Of the others what asks for most
 * counts, for all, from the moment it is asked for until the last of them has closed the store: the
 * smallest {@code maxBytes}, the longest {@code lockTimeout} and {@code spinning}, the shortest
 * {@code checkpointEvery}. So checkpoints are manual only where everybody asks for that. Who opens it read-only asks for nothing.
 *
 * <p>Options never change. {@link #defaults} is where to begin, and each {@code with} method gives others
 * that differ in one.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="options"}
 */
public final class Options {
    /** The most stripes that a store can have. */
    public static final int MAX_STRIPES = 4096;

    /** What can be counted in nanoseconds. */
    static final Duration LONGEST = Duration.ofDays(36_500);

    private static final Options DEFAULTS = new Options(new Draft());

    private final long maxBytes;
    private final int stripes;
    private final @Nullable Durability durability;
    private final @Nullable Duration checkpointEvery;
    private final boolean readOnly;
    private final Duration lockTimeout;
    private final Set<PosixFilePermission> permissions;
    private final @Nullable Duration defaultTimeToLive;
    private final boolean eviction;
    private final @Nullable Duration expireAfterAccess;
    private final double timeToLiveJitter;
    private final @Nullable Duration spinning;

    /** Options in the making: the defaults at first. */
    private static final class Draft {
        long maxBytes;
        int stripes = 64;
        @Nullable Durability durability;
        @Nullable Duration checkpointEvery = Duration.ofSeconds(1);
        boolean readOnly;
        Duration lockTimeout = Duration.ofSeconds(10);
        Set<PosixFilePermission> permissions =
                Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
        @Nullable Duration defaultTimeToLive;
        boolean eviction;
        @Nullable Duration expireAfterAccess;
        double timeToLiveJitter;
        @Nullable Duration spinning;
    }

    private Options(Draft draft) {
        maxBytes = draft.maxBytes;
        if (maxBytes < 0) {
            throw new IllegalArgumentException("maxBytes is negative: " + maxBytes);
        }
        stripes = draft.stripes;
        if (Integer.bitCount(stripes) != 1 || stripes < 1 || stripes > MAX_STRIPES) {
            throw new IllegalArgumentException(
                    "stripes is no power of two from 1 to " + MAX_STRIPES + ": " + stripes);
        }
        durability = draft.durability;
        checkpointEvery = draft.checkpointEvery;
        if (checkpointEvery != null && !checkpointEvery.isPositive()) {
            throw new IllegalArgumentException(
                    "checkpointEvery is not positive: " + checkpointEvery);
        }
        requireCountable(checkpointEvery, "checkpointEvery");
        readOnly = draft.readOnly;
        lockTimeout = Objects.requireNonNull(draft.lockTimeout, "lockTimeout");
        if (!lockTimeout.isPositive()) {
            throw new IllegalArgumentException("lockTimeout is not positive: " + lockTimeout);
        }
        requireCountable(lockTimeout, "lockTimeout");
        permissions = Set.copyOf(Objects.requireNonNull(draft.permissions, "permissions"));
        defaultTimeToLive = draft.defaultTimeToLive;
        if (defaultTimeToLive != null && !defaultTimeToLive.isPositive()) {
            throw new IllegalArgumentException(
                    "defaultTimeToLive is not positive: " + defaultTimeToLive);
        }
        eviction = draft.eviction;
        expireAfterAccess = draft.expireAfterAccess;
        if (expireAfterAccess != null && expireAfterAccess.toMillis() <= 0) {
            throw new IllegalArgumentException(
                    "expireAfterAccess is no whole millisecond: " + expireAfterAccess);
        }
        requireCountable(expireAfterAccess, "expireAfterAccess");
        timeToLiveJitter = draft.timeToLiveJitter;
        if (!(timeToLiveJitter >= 0 && timeToLiveJitter < 1)) {
            throw new IllegalArgumentException(
                    "timeToLiveJitter is not from 0 to below 1: " + timeToLiveJitter);
        }
        spinning = draft.spinning;
        if (spinning != null && spinning.isNegative()) {
            throw new IllegalArgumentException("spinning is negative: " + spinning);
        }
        requireCountable(spinning, "spinning");
    }

    private static void requireCountable(@Nullable Duration time, String name) {
        if (time != null && time.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(name + " is longer than a century: " + time);
        }
    }

    /**
     * No upper bound, 64 stripes, a checkpoint every second in which something changed, reading and
     * writing, a lock timeout of 10 seconds, files that only their owner may read and write, and no time
     * to live.
     */
    public static Options defaults() {
        return DEFAULTS;
    }

    private Options with(Consumer<Draft> change) {
        Draft draft = new Draft();
        draft.maxBytes = maxBytes;
        draft.stripes = stripes;
        draft.durability = durability;
        draft.checkpointEvery = checkpointEvery;
        draft.readOnly = readOnly;
        draft.lockTimeout = lockTimeout;
        draft.permissions = permissions;
        draft.defaultTimeToLive = defaultTimeToLive;
        draft.eviction = eviction;
        draft.expireAfterAccess = expireAfterAccess;
        draft.timeToLiveJitter = timeToLiveJitter;
        draft.spinning = spinning;
        change.accept(draft);
        return new Options(draft);
    }

    /** The upper bound of the data file in bytes, 0 for none. */
    public long maxBytes() {
        return maxBytes;
    }

    /** The number of locks that writers share, a power of two from 1 to {@value #MAX_STRIPES}. */
    public int stripes() {
        return stripes;
    }

    /**
     * When writes are safe from power loss. Unless it was set, it is {@link Durability#CHECKPOINT}, and
     * {@link Durability#NONE} with eviction.
     */
    public Durability durability() {
        if (durability != null) {
            return durability;
        }
        return eviction ? Durability.NONE : Durability.CHECKPOINT;
    }

    /**
     * About how long a write waits for a checkpoint in the background, twice that at most while the disk
     * keeps up. It is null for manual checkpoints only: then the space of what was overwritten or
     * removed waits for them too.
     */
    public @Nullable Duration checkpointEvery() {
        return checkpointEvery;
    }

    /** Whether nothing at all is written. */
    public boolean readOnly() {
        return readOnly;
    }

    /**
     * How long to wait for a lock of a live holder before {@link LockTimeout}. For a process that opens,
     * recovers or closes the store, it is how long to wait without any progress of it.
     */
    public Duration lockTimeout() {
        return lockTimeout;
    }

    /** The permissions of the files that are created. */
    public Set<PosixFilePermission> permissions() {
        return permissions;
    }

    /** The time to live of every put that names none; null for ever. */
    public @Nullable Duration defaultTimeToLive() {
        return defaultTimeToLive;
    }

    /** Whether a store that would be full evicts entries. */
    public boolean eviction() {
        return eviction;
    }

    /** After how long an entry expires that nobody reads; null for never. */
    public @Nullable Duration expireAfterAccess() {
        return expireAfterAccess;
    }

    /** By which part of it a time to live is shortened at most, at random. */
    public double timeToLiveJitter() {
        return timeToLiveJitter;
    }

    /**
     * For how long a thread of the platform that waits for a change looks again and again before it
     * sleeps; null for what seems good on this machine.
     */
    public @Nullable Duration spinning() {
        return spinning;
    }

    /**
     * Bounds the data file. Unless this is called, it is not bounded.
     *
     * @param bytes its size at most, 0 for no bound
     * @throws IllegalArgumentException if that is negative
     */
    public Options withMaxBytes(long bytes) {
        return with(draft -> draft.maxBytes = bytes);
    }

    /**
     * Sets how many locks writers share in a store that is created. Unless this is called, there are
     * 64.
     *
     * @throws IllegalArgumentException if that is no power of two from 1 to {@value #MAX_STRIPES}
     */
    public Options withStripes(int count) {
        return with(draft -> draft.stripes = count);
    }

    /**
     * Sets when writes are safe from power loss. Unless this is called, they are with the next
     * checkpoint: {@link Durability#CHECKPOINT}; or never, if eviction is asked for: {@link
     * Durability#NONE}.
     */
    public Options withDurability(Durability when) {
        Objects.requireNonNull(when, "when");
        return with(draft -> draft.durability = when);
    }

    /**
     * Sets about how long a write waits for a checkpoint in the background. Unless this is called, it is
     * one second.
     *
     * @throws IllegalArgumentException if that is not positive, or more than 36,500 days
     */
    public Options withCheckpointEvery(Duration atMost) {
        Objects.requireNonNull(atMost, "atMost");
        return with(draft -> draft.checkpointEvery = atMost);
    }

    /** No checkpoints but those that somebody asks for, and that of the last close. */
    public Options withManualCheckpoints() {
        return with(draft -> draft.checkpointEvery = null);
    }

    /**
     * Sets whether nothing at all is written, which works on files and file systems that cannot be
     * written to. Unless this is called, the store is opened for reading and writing.
     */
    public Options withReadOnly(boolean only) {
        return with(draft -> draft.readOnly = only);
    }

    /**
     * Sets how long to wait for a lock of a live holder. Unless this is called, it is 10 seconds.
     *
     * @throws IllegalArgumentException if that is not positive, or more than 36,500 days
     */
    public Options withLockTimeout(Duration timeout) {
        return with(draft -> draft.lockTimeout = timeout);
    }

    /**
     * Sets the permissions of the files that are created, whatever the umask. Files that are made anew
     * beside an existing data file take over its permissions and, as far as the system lets the process,
     * its owner and group. Unless this is called, the owner alone may read and write.
     */
    public Options withPermissions(Set<PosixFilePermission> ofCreatedFiles) {
        return with(draft -> draft.permissions = ofCreatedFiles);
    }

    /**
     * Sets how long an entry lives whose put names no time to live. Unless this is called, it lives for
     * ever.
     *
     * @param timeToLive null for ever
     * @throws IllegalArgumentException if that is not positive
     */
    public Options withDefaultTimeToLive(@Nullable Duration timeToLive) {
        return with(draft -> draft.defaultTimeToLive = timeToLive);
    }

    /**
     * Sets whether a store that is created is a cache: it keeps within {@link #withMaxBytes}, which has
     * to be called too, by evicting what was used least and longest ago, and never throws {@link
     * StoreFull} for want of room within that bound. Any entry may be gone at any time. Stripes are as
     * many as asked for, but no more than the bound has room for. Unless this is called, nothing is
     * evicted.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="eviction"}
     */
    public Options withEviction(boolean whenFull) {
        return with(draft -> draft.eviction = whenFull);
    }

    /**
     * Sets after how long an entry expires that nobody reads, in a store that is created: not before
     * that time, and an eighth of it later at most. It is for entries that no time to live was named
     * for. A read of an entry that was not read for an eighth of the time writes it again, which gives it
     * another version; other reads write nothing. Who opens the store read-only reads without that.
     * Unless this is called, entries stay however long nobody reads them.
     *
     * @param unread null for never
     * @throws IllegalArgumentException if that is less than a millisecond, or more than 36,500 days
     */
    public Options withExpireAfterAccess(@Nullable Duration unread) {
        return with(draft -> draft.expireAfterAccess = unread);
    }

    /**
     * Sets by which part of it a time to live is shortened at most, at random, so that entries which are
     * written together do not expire together. Unless this is called, it is 0.
     *
     * @throws IllegalArgumentException if that is less than 0, or not below 1
     */
    public Options withTimeToLiveJitter(double part) {
        return with(draft -> draft.timeToLiveJitter = part);
    }

    /**
     * Sets for how long a thread of the platform that waits for a change ({@link
     * CairnStore#awaitChange}, a feed) may look again and again before it sleeps. A change that comes
     * within that time is known some hundred nanoseconds after it was made, and its writer has nobody to
     * wake; meanwhile the thread uses a whole processor. Where waits mostly take ten times as long as
     * this, a thread spins for some microseconds only. Virtual threads never spin. Unless this is
     * called, it is 50 microseconds on a machine with four processors or more, 5, which is what a sleep
     * costs, with two or three, and 0 with one.
     *
     * @throws IllegalArgumentException if that is negative, or more than 36,500 days
     */
    public Options withSpinning(Duration atMost) {
        Objects.requireNonNull(atMost, "atMost");
        return with(draft -> draft.spinning = atMost);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Options that
                && maxBytes == that.maxBytes
                && stripes == that.stripes
                && durability() == that.durability()
                && Objects.equals(checkpointEvery, that.checkpointEvery)
                && readOnly == that.readOnly
                && lockTimeout.equals(that.lockTimeout)
                && permissions.equals(that.permissions)
                && Objects.equals(defaultTimeToLive, that.defaultTimeToLive)
                && eviction == that.eviction
                && Objects.equals(expireAfterAccess, that.expireAfterAccess)
                && timeToLiveJitter == that.timeToLiveJitter
                && Objects.equals(spinning, that.spinning);
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                maxBytes,
                stripes,
                durability(),
                checkpointEvery,
                readOnly,
                lockTimeout,
                permissions,
                defaultTimeToLive,
                eviction,
                expireAfterAccess,
                timeToLiveJitter,
                spinning);
    }

    /** For people: what is asked for, on one line. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s%s, stripes %d, durability %s, %s, %s, lock timeout %s, permissions %s, %s%s%s%s",
                maxBytes == 0
                        ? "no bound"
                        : String.format(Locale.ROOT, "%,d bytes at most", maxBytes),
                eviction ? ", eviction" : "",
                stripes,
                durability(),
                checkpointEvery == null
                        ? "manual checkpoints"
                        : "a checkpoint every " + text(checkpointEvery),
                readOnly ? "read-only" : "reading and writing",
                text(lockTimeout),
                PosixFilePermissions.toString(permissions),
                defaultTimeToLive == null
                        ? "no time to live"
                        : "time to live " + text(defaultTimeToLive),
                expireAfterAccess == null
                        ? ""
                        : ", expiry after " + text(expireAfterAccess) + " without a read",
                timeToLiveJitter == 0 ? "" : ", jitter " + timeToLiveJitter,
                spinning == null ? "" : ", spinning " + text(spinning));
    }

    /** As 1m30s or 0.25s. */
    private static String text(Duration time) {
        return time.toString().substring("PT".length()).toLowerCase(Locale.ROOT);
    }
}
