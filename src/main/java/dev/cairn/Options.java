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
 * The options with which a store is opened. Options are immutable: {@link #defaults} is the start,
 * and each {@code with} method returns new options that differ in one.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="options"}
 *
 * <p><b>Properties of the file</b> are {@code stripes}, {@code eviction} with its {@code maxBytes},
 * {@code expireAfterAccess}, and whether durability is {@link Durability#NONE}. They are fixed when
 * the file is created; when an existing file is opened, its own properties count. An opening is
 * refused if it asks for {@link Durability#EACH_WRITE} and the file was created with {@code NONE},
 * or if it asks for eviction or {@code expireAfterAccess} and the file was created without.
 *
 * <p><b>Several handles in one process</b> share the store. Each handle keeps its own {@code
 * readOnly}, {@code EACH_WRITE}, {@code defaultTimeToLive}, {@code timeToLiveJitter}, and {@code
 * permissions} of a backup. Of the other options the most demanding value counts for all handles,
 * from the moment when it is asked for until the last handle in the process is closed: the smallest
 * {@code maxBytes}, the longest {@code lockTimeout} and {@code spinning}, the shortest {@code
 * checkpointEvery}. So checkpoints are manual only if every handle asks for that. A
 * read-only handle asks for nothing.
 */
public final class Options {
    /** The greatest number of stripes that a store can have. */
    public static final int MAX_STRIPES = 4096;

    /** The longest time that can be counted in nanoseconds. */
    static final Duration LONGEST = Duration.ofDays(36_500);

    private static final Options DEFAULTS = new Options(new Draft());

    private final long maxBytes;
    private final int stripes;
    private final @Nullable Durability durability;
    private final @Nullable Duration checkpointEvery;
    private final boolean rollback;
    private final boolean readOnly;
    private final Duration lockTimeout;
    private final Set<PosixFilePermission> permissions;
    private final @Nullable Duration defaultTimeToLive;
    private final boolean eviction;
    private final @Nullable Duration expireAfterAccess;
    private final double timeToLiveJitter;
    private final @Nullable Duration spinning;

    /** Mutable options, initially the defaults. */
    private static final class Draft {
        long maxBytes;
        int stripes = 64;
        @Nullable Durability durability;
        @Nullable Duration checkpointEvery = Duration.ofSeconds(1);
        boolean rollback;
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
                    "stripes is not a power of two from 1 to " + MAX_STRIPES + ": " + stripes);
        }
        durability = draft.durability;
        eviction = draft.eviction;
        checkpointEvery = draft.checkpointEvery;
        if (checkpointEvery != null && !checkpointEvery.isPositive()) {
            throw new IllegalArgumentException(
                    "checkpointEvery is not positive: " + checkpointEvery);
        }
        requireCountable(checkpointEvery, "checkpointEvery");
        rollback = draft.rollback;
        if (rollback && (eviction || durability() != Durability.CHECKPOINT)) {
            throw new IllegalArgumentException(
                    "rollback needs durability CHECKPOINT and no eviction, not %s%s"
                            .formatted(durability(), eviction ? " with eviction" : ""));
        }
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
        expireAfterAccess = draft.expireAfterAccess;
        if (expireAfterAccess != null && expireAfterAccess.toMillis() <= 0) {
            throw new IllegalArgumentException(
                    "expireAfterAccess is not a whole number of milliseconds: "
                            + expireAfterAccess);
        }
        requireCountable(expireAfterAccess, "expireAfterAccess");
        timeToLiveJitter = draft.timeToLiveJitter;
        if (!(timeToLiveJitter >= 0 && timeToLiveJitter < 1)) {
            throw new IllegalArgumentException(
                    "timeToLiveJitter must be at least 0 and less than 1: " + timeToLiveJitter);
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
     * {@return options with no upper bound, 64 stripes, a checkpoint in every second with changes,
     * reading and writing, a lock timeout of 10 seconds, files that only their owner may read and
     * write, and no time to live}
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
        draft.rollback = rollback;
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

    /** {@return the upper bound of the data file in bytes, 0 for none} */
    public long maxBytes() {
        return maxBytes;
    }

    /**
     * {@return the number of stripes, each with a lock for its writers: a power of two from 1 to
     * {@value #MAX_STRIPES}}
     */
    public int stripes() {
        return stripes;
    }

    /**
     * {@return when writes are safe from power loss} Unless it was set, it is {@link
     * Durability#CHECKPOINT}, or {@link Durability#NONE} with eviction.
     */
    public Durability durability() {
        if (durability != null) {
            return durability;
        }
        return eviction ? Durability.NONE : Durability.CHECKPOINT;
    }

    /**
     * {@return about how long a write waits for a checkpoint in the background, or null for manual
     * checkpoints only} A write waits for twice this time at most, as long as the disk keeps up.
     * With manual checkpoints only, the space of overwritten and removed entries is reused only
     * after such a checkpoint.
     */
    public @Nullable Duration checkpointEvery() {
        return checkpointEvery;
    }

    /**
     * {@return whether writes after the last checkpoint are dropped when the store is closed, and
     * when it is opened}
     */
    public boolean rollback() {
        return rollback;
    }

    /** {@return whether the store is only read} */
    public boolean readOnly() {
        return readOnly;
    }

    /**
     * {@return how long to wait for a lock of a live holder before {@link LockTimeout}} If another
     * process opens, recovers or closes the store, it is how long to wait while that process makes
     * no progress.
     */
    public Duration lockTimeout() {
        return lockTimeout;
    }

    /** {@return the permissions of the files that are created} */
    public Set<PosixFilePermission> permissions() {
        return permissions;
    }

    /**
     * {@return the time to live of every write that names none; null if such entries do not expire}
     */
    public @Nullable Duration defaultTimeToLive() {
        return defaultTimeToLive;
    }

    /** {@return whether the store evicts entries instead of becoming full} */
    public boolean eviction() {
        return eviction;
    }

    /** {@return the time after which an entry expires that no process reads; null for never} */
    public @Nullable Duration expireAfterAccess() {
        return expireAfterAccess;
    }

    /**
     * {@return the greatest share of a time to live by which it is shortened at random, from 0 to
     * below 1}
     */
    public double timeToLiveJitter() {
        return timeToLiveJitter;
    }

    /**
     * {@return how long a platform thread that waits for a change polls before it sleeps; null for
     * a default that suits this machine}
     */
    public @Nullable Duration spinning() {
        return spinning;
    }

    /**
     * Sets an upper bound for the data file. Unless this is called, there is none.
     *
     * @param bytes the greatest size in bytes, 0 for no bound
     * @return options with this setting
     * @throws IllegalArgumentException if {@code bytes} is negative
     */
    public Options withMaxBytes(long bytes) {
        return with(draft -> draft.maxBytes = bytes);
    }

    /**
     * Sets the number of stripes of a store that is created. Each stripe has one lock for its
     * writers. The default is 64.
     *
     * @param count the number of stripes
     * @return options with this setting
     * @throws IllegalArgumentException if {@code count} is not a power of two from 1 to {@value
     *     #MAX_STRIPES}
     */
    public Options withStripes(int count) {
        return with(draft -> draft.stripes = count);
    }

    /**
     * Sets when writes are safe from power loss. The default is {@link Durability#CHECKPOINT}, or
     * {@link Durability#NONE} with eviction.
     *
     * @param when when writes are safe
     * @return options with this setting
     */
    public Options withDurability(Durability when) {
        Objects.requireNonNull(when, "when");
        return with(draft -> draft.durability = when);
    }

    /**
     * Sets about how long a write waits for a checkpoint in the background. The default is one
     * second.
     *
     * @param atMost about how long a write waits at most
     * @return options with this setting
     * @throws IllegalArgumentException if the time is not positive, or longer than 36,500 days
     */
    public Options withCheckpointEvery(Duration atMost) {
        Objects.requireNonNull(atMost, "atMost");
        return with(draft -> {
            draft.checkpointEvery = atMost;
            draft.rollback = false;
        });
    }

    /**
     * Makes no checkpoints except those that a caller asks for, and one when the last process
     * closes the store.
     *
     * @return options with this setting
     */
    public Options withManualCheckpoints() {
        return with(draft -> {
            draft.checkpointEvery = null;
            draft.rollback = false;
        });
    }

    /**
     * Makes no checkpoints except those that a caller asks for, and keeps only what they hold. When
     * the last process closes the store, it makes no checkpoint. The next opening with this option
     * drops what was written after the last checkpoint, even if processes were only killed and no
     * write was lost. So if a program puts its position in another log into the store before each
     * checkpoint, that position always agrees with the entries.
     *
     * <p>A store can go back only while no other process has it open. So opening throws {@link
     * StoreInUse} if another process keeps the store open for longer than {@link #lockTimeout},
     * unless the store was closed at a checkpoint and the other processes only read. An opening
     * without this option, in this process too, keeps what was written.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="rollback"}
     *
     * @return options with this setting
     * @throws IllegalArgumentException if durability is not {@link Durability#CHECKPOINT}, or if
     *     eviction is asked for, which makes checkpoints when it needs room
     */
    public Options withRollback() {
        return with(draft -> {
            draft.checkpointEvery = null;
            draft.rollback = true;
        });
    }

    /**
     * Sets whether the store is only read. This works for files and file systems that cannot be
     * written. The default is reading and writing.
     *
     * @param only true for reading only
     * @return options with this setting
     */
    public Options withReadOnly(boolean only) {
        return with(draft -> draft.readOnly = only);
    }

    /**
     * Sets how long to wait for a lock of a live holder. The default is 10 seconds.
     *
     * @param timeout how long to wait at most
     * @return options with this setting
     * @throws IllegalArgumentException if the time is not positive, or longer than 36,500 days
     */
    public Options withLockTimeout(Duration timeout) {
        return with(draft -> draft.lockTimeout = timeout);
    }

    /**
     * Sets the permissions of the files that are created, whatever the umask is. By default only
     * the owner may read and write. A file that is created beside an existing data file gets the
     * permissions of that file and, as far as the system allows it, its owner and group.
     *
     * @param ofCreatedFiles the permissions of created files
     * @return options with this setting
     */
    public Options withPermissions(Set<PosixFilePermission> ofCreatedFiles) {
        return with(draft -> draft.permissions = ofCreatedFiles);
    }

    /**
     * Sets the time to live of entries whose write names none. By default they do not expire.
     *
     * @param timeToLive the time to live, null for no expiry
     * @return options with this setting
     * @throws IllegalArgumentException if the time is not positive
     */
    public Options withDefaultTimeToLive(@Nullable Duration timeToLive) {
        return with(draft -> draft.defaultTimeToLive = timeToLive);
    }

    /**
     * Sets whether a store that is created is a cache. A cache keeps within {@link #withMaxBytes},
     * which must be called too: it evicts the entries that were used least and longest ago, and it
     * never throws {@link StoreFull} for lack of room within that bound. Any entry may disappear at
     * any time. If the bound has not enough room for the number of stripes that was asked for, the
     * store gets fewer. By default nothing is evicted.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="eviction"}
     *
     * @param whenFull whether to evict entries
     * @return options with this setting
     */
    public Options withEviction(boolean whenFull) {
        return with(draft -> draft.eviction = whenFull);
    }

    /**
     * Sets the time after which an entry expires that no process reads, in a store that is created.
     * The entry expires no earlier, and at most an eighth of the time later. This applies to
     * entries whose write names no time to live.
     *
     * <p>If an entry was not read for an eighth of the time, a read writes it again, which gives it
     * a new version; other reads write nothing. Reads in a read-only process never do this. By
     * default entries do not expire for want of reads.
     *
     * @param unread the time without a read, null for never
     * @return options with this setting
     * @throws IllegalArgumentException if the time is shorter than a millisecond, or longer than
     *     36,500 days
     */
    public Options withExpireAfterAccess(@Nullable Duration unread) {
        return with(draft -> draft.expireAfterAccess = unread);
    }

    /**
     * Sets the greatest share by which each time to live is shortened at random, so that entries
     * which are written together do not expire together. The default is 0.
     *
     * @param part the greatest share, from 0 to below 1
     * @return options with this setting
     * @throws IllegalArgumentException if the share is less than 0, or not below 1
     */
    public Options withTimeToLiveJitter(double part) {
        return with(draft -> draft.timeToLiveJitter = part);
    }

    /**
     * Sets how long a platform thread that waits for a change ({@link CairnStore#awaitChange}, a
     * {@link ChangeFeed}) may poll before it sleeps. The thread then sees a change within a few
     * hundred nanoseconds, and the writer has no thread to wake; meanwhile the thread keeps a
     * processor busy. If waits mostly take ten times as long, a thread polls for a few microseconds
     * only. Virtual threads never poll.
     *
     * <p>The default depends on the number of processors: 50 microseconds with four or more, 5
     * microseconds (the cost of a sleep) with two or three, and 0 with one.
     *
     * @param atMost how long to poll at most
     * @return options with this setting
     * @throws IllegalArgumentException if the time is negative, or longer than 36,500 days
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
                && rollback == that.rollback
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
                rollback,
                readOnly,
                lockTimeout,
                permissions,
                defaultTimeToLive,
                eviction,
                expireAfterAccess,
                timeToLiveJitter,
                spinning);
    }

    /** {@return the options on one line, for people} */
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
                        ? rollback ? "manual checkpoints with rollback" : "manual checkpoints"
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

    /** Formats a duration as 1m30s or 0.25s. */
    private static String text(Duration time) {
        return time.toString().substring("PT".length()).toLowerCase(Locale.ROOT);
    }
}
