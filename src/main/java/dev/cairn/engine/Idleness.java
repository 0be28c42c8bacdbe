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
 * How long entries live; and the expiry of those that nobody reads. Each of them is written with an expiry, as with a time to live: the
 * time without a read, and an eighth of it. A read that comes when an eighth has passed writes the
 * entry again, with another expiry, unless somebody wrote it meanwhile. So an entry that is read stays,
 * one that is not goes after that time or at most an eighth of it later, and most reads write nothing.
 */
final class Idleness {
    private static final int PARTS = 8;

    private final StoreClock clock;
    private final long idleMillis;
    private final @Nullable Writer writer;

    /**
     * @param writer null in a process that only reads
     */
    Idleness(StoreClock clock, long idleMillis, @Nullable Writer writer) {
        this.clock = clock;
        this.idleMillis = idleMillis;
        this.writer = writer;
    }

    /**
     * Of an entry that is written now.
     *
     * @param timeToLive {@link CairnStore#FOREVER} for none
     * @param jitter by which part of it that is shortened at most
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
        } catch (ArithmeticException _) { // later than a long counts milliseconds
            return Lifetime.FOREVER;
        }
    }

    private Lifetime unread() {
        return idleMillis == 0
                ? Lifetime.FOREVER
                : new Lifetime(clock.share() + idleMillis + idleMillis / PARTS, true);
    }

    /** Whether a read of an entry has to put its expiry off. */
    boolean isDue(int heat, long expires) {
        return (heat & RecordLayout.IDLE) != 0
                && writer != null
                && expires - clock.now() < idleMillis;
    }

    /** As {@link #isDue(int, long)}. */
    boolean isDue(Outline outline) {
        return isDue(outline.heat(), outline.expires());
    }

    /**
     * Puts an expiry off. A read does not fail for it: where a stripe is locked or the store is full,
     * the next read tries again.
     *
     * @param look gives the entry; null if it is absent
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
            // the entry was read, and that is what was asked for
        }
    }
}
