package dev.cairn.engine;

import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.LockTimeout;
import dev.cairn.StoreFull;
import dev.cairn.format.RecordLayout;
import dev.cairn.log.Records.Copy;
import dev.cairn.log.Records.Outline;
import dev.cairn.shared.StoreClock;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/**
 * Decides how long entries live, and when an entry expires that nobody reads.
 *
 * <p>Each entry of the latter kind is written with an expiry: the time without a read, and an
 * eighth of it more. If a read comes after an eighth of that time has passed, it writes the entry
 * again with a later expiry, unless another write came meanwhile. So an entry that is read stays,
 * one that is not read expires after that time or at most an eighth of it later, and most reads
 * write nothing.
 */
final class Idleness {
    private static final int PARTS = 8;

    private final StoreClock clock;
    private final long idleMillis;
    private final @Nullable Writer writer;

    /**
     * @param writer null in a read-only process
     */
    Idleness(StoreClock clock, long idleMillis, @Nullable Writer writer) {
        this.clock = clock;
        this.idleMillis = idleMillis;
        this.writer = writer;
    }

    /**
     * The lifetime of an entry that is written now.
     *
     * @param timeToLive the time to live, {@link CairnStore#FOREVER} for none
     * @param jitter the greatest share by which it is shortened
     */
    Lifetime lifetime(Duration timeToLive, double jitter) {
        if (timeToLive.equals(CairnStore.FOREVER)) {
            return unread();
        }
        try {
            long millis = Math.max(1, timeToLive.toMillis());
            if (jitter != 0) {
                millis -= (long) (millis * jitter * ThreadLocalRandom.current().nextDouble());
            }
            return new Lifetime(Math.addExact(clock.share(), millis), false);
        } catch (ArithmeticException _) { // later than a long can express in milliseconds
            return Lifetime.FOREVER;
        }
    }

    private Lifetime unread() {
        return idleMillis == 0
                ? Lifetime.FOREVER
                : new Lifetime(clock.share() + idleMillis + idleMillis / PARTS, true);
    }

    /** Whether a read of an entry has to postpone its expiry. */
    boolean isDue(int heat, long expires) {
        return (heat & RecordLayout.IDLE) != 0
                && writer != null
                && expires - clock.now() < idleMillis;
    }

    /** Whether a read of an entry has to postpone its expiry. */
    boolean isDue(Outline outline) {
        return isDue(outline.heat(), outline.expires());
    }

    /**
     * Postpones an expiry. A failure does not make the read fail: if a stripe is locked or the
     * store is full, the next read tries again.
     *
     * @param look returns the entry, or null if it is absent
     */
    void putOff(byte[] key, Supplier<@Nullable Copy> look) {
        Copy entry = look.get();
        if (writer == null || entry == null || !isDue(entry.outline())) {
            return;
        }
        try {
            long version = entry.outline().version();
            long _ = writer.write(key, entry.value(), unread(), version, null);
        } catch (LockTimeout | StoreFull | CheckpointFailed _) {
            // the entry was read, which is what the caller asked for
        }
    }
}
