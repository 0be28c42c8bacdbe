package dev.cairn.stripe;

import dev.cairn.format.StripeWords;
import dev.cairn.index.Mapped;
import dev.cairn.index.Tables;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.Regions;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** All stripes of a store, as a process that may write uses them. */
public final class Stripes implements Iterable<Stripe> {
    private final Mapped mapped;
    private final Stripe[] stripes;
    private final SharedLock[] locks;
    private final StripeSettings settings;
    private final Queue<Damages.Damage> untold = new ConcurrentLinkedQueue<>();

    public Stripes(
            Mapped mapped,
            Regions regions,
            Tables tables,
            ProcessTable processes,
            Contention contention,
            long timeoutNanos) {
        this.mapped = mapped;
        this.settings = new StripeSettings(timeoutNanos);
        this.stripes = new Stripe[mapped.shared().stripes()];
        Waiters waiters = new Waiters(mapped.shared());
        Arrays.setAll(
                stripes,
                number -> {
                    StripeWords words = mapped.shared().stripe(number);
                    Damages damages = new Damages(number, words, untold);
                    return new Stripe(
                            new StripeContext(number, words, mapped, regions, damages, settings),
                            tables,
                            processes,
                            contention,
                            waiters);
                });
        this.locks = Arrays.stream(stripes).map(Stripe::lock).toArray(SharedLock[]::new);
    }

    public Stripe get(int number) {
        return stripes[number];
    }

    /** The stripe of a key with that hash. */
    public Stripe of(long hash) {
        return stripes[mapped.index().stripe(hash)];
    }

    public int count() {
        return stripes.length;
    }

    @Override
    public Iterator<Stripe> iterator() {
        return Arrays.asList(stripes).iterator();
    }

    /** Runs work with the locks of all stripes held; see {@link SharedLock#holdingAll}. */
    public SharedLock.Taken holdingAll(int first, long firstNanos, long nanos, Runnable work) {
        return SharedLock.holdingAll(locks, first, firstNanos, nanos, work);
    }

    /** How long a thread waits for the lock of a stripe. */
    public long timeoutNanos() {
        return settings.timeoutNanos();
    }

    public void lengthenTimeout(long nanos) {
        settings.lengthenTimeout(nanos);
    }

    /**
     * Sets how much garbage is tolerated from now on.
     *
     * @param background whether checkpoints are made in the background
     */
    public void cleanFor(boolean background) {
        settings.cleanFor(background);
    }

    /**
     * The next damage that cleaning found and that was not reported yet; null if there is none.
     */
    public Damages.@Nullable Damage nextDamage() {
        return untold.poll();
    }

    /**
     * Repairs every stripe by taking its lock, under the open lock; returns how many had something
     * to repair.
     */
    public int repairAll() {
        int repaired = 0;
        for (Stripe stripe : stripes) {
            repaired += stripe.words().pending() ? 1 : 0;
            stripe.holding(() -> {});
            mapped.shared().advanced(1);
        }
        return repaired;
    }

    /** Waits for the lock holders of this process, and refuses the locks to new ones. */
    public void retire() {
        for (SharedLock lock : locks) {
            lock.retire();
        }
    }

    /** Repairs every stripe when no thread is left that could hold a lock. */
    public void repairRetired() {
        for (Stripe stripe : stripes) {
            stripe.repairRetired();
        }
    }

    /** About how many puts of this process overwrote a record in place. */
    public long overwrites() {
        return Arrays.stream(stripes).mapToLong(Stripe::overwrites).sum();
    }

    /** How many times this process read an oldest region to see how much of it has expired. */
    public long oldestRegionLooks() {
        return Arrays.stream(stripes)
                .mapToLong(stripe -> stripe.cleaning().oldestRegionLooks())
                .sum();
    }
}
