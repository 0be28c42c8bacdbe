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
    private final Terms terms;
    private final Queue<Damages.Damage> untold = new ConcurrentLinkedQueue<>();

    public Stripes(
            Mapped mapped,
            Regions regions,
            Tables tables,
            ProcessTable processes,
            Contention contention,
            long timeoutNanos) {
        this.mapped = mapped;
        this.terms = new Terms(timeoutNanos);
        this.stripes = new Stripe[mapped.shared().stripes()];
        Waiters waiters = new Waiters(mapped.shared());
        Arrays.setAll(
                stripes,
                number -> {
                    StripeWords words = mapped.shared().stripe(number);
                    Damages damages = new Damages(number, words, untold);
                    return new Stripe(
                            new Site(number, words, mapped, regions, damages),
                            tables,
                            terms,
                            processes,
                            contention,
                            waiters);
                });
        this.locks = Arrays.stream(stripes).map(Stripe::lock).toArray(SharedLock[]::new);
    }

    public Stripe get(int number) {
        return stripes[number];
    }

    /** The one of a key with that hash. */
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

    /** Does something with the locks of all stripes; see {@link SharedLock#holdingAll}. */
    public SharedLock.Taken holdingAll(int first, long firstNanos, long nanos, Runnable work) {
        return SharedLock.holdingAll(locks, first, firstNanos, nanos, work);
    }

    /** How long is waited for a lock of one of them. */
    public long timeoutNanos() {
        return terms.timeoutNanos();
    }

    public void lengthenTimeout(long nanos) {
        terms.lengthenTimeout(nanos);
    }

    /**
     * How much garbage is tolerated from now on.
     *
     * @param background whether checkpoints come by themselves
     */
    public void cleanFor(boolean background) {
        terms.cleanFor(background);
    }

    /** The next damage that cleaning found and that was not told yet; null if there is none. */
    public Damages.@Nullable Damage nextDamage() {
        return untold.poll();
    }

    /** Repairs every stripe, under the open lock, by taking its lock; tells how many had something to repair. */
    public int repairAll() {
        int repaired = 0;
        for (Stripe stripe : stripes) {
            repaired += stripe.words().pending() ? 1 : 0;
            stripe.holding(() -> {});
            mapped.shared().advanced(1);
        }
        return repaired;
    }

    /** Waits for the holders in this process, and lets no more of them begin. */
    public void retire() {
        for (SharedLock lock : locks) {
            lock.retire();
        }
    }

    /** Repairs every stripe when nobody is left who could hold a lock. */
    public void repairRetired() {
        for (Stripe stripe : stripes) {
            stripe.repairRetired();
        }
    }

    /** Puts of this process that overwrote a record where it lay, about. */
    public long overwrites() {
        return Arrays.stream(stripes).mapToLong(Stripe::overwrites).sum();
    }

    /** Times that this process read an oldest region to see how much of it has expired. */
    public long frontLooks() {
        return Arrays.stream(stripes).mapToLong(stripe -> stripe.cleaning().frontLooks()).sum();
    }
}
