package dev.cairn.micrometer;

import dev.cairn.CairnException;
import dev.cairn.CairnStore;
import dev.cairn.Stats;
import dev.cairn.StoreClosed;

import io.micrometer.core.instrument.Clock;

import org.jspecify.annotations.Nullable;

import java.lang.ref.WeakReference;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/*
 * A scrape reads some dozens of meters one after the other within milliseconds, and no call tells when it
 * begins or ends. So the first meter takes the store's figures, and the others use the same ones. Areas then
 * add up to the file, and the count and the total of a timer belong together. The figures are kept for half
 * a second. That is longer than a scrape takes. It is also so much shorter than the second between scrapes
 * that jitter of the scraper never gives it the same snapshot twice, which would show as a rate of 0 and
 * then one of twice the true rate. The time is that of the registry's clock, so that a registry of a test
 * decides about it.
 *
 * Whether the store is closed is asked each time, which costs one load.
 *
 * Counters and timers of a closed store keep their last values. Micrometer does the same when the object is
 * gone, since a NaN would spoil the sum in a registry that adds up differences.
 */
/** The figures of a store for the meters of one registry. */
final class Snapshots {
    private static final long KEPT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private static final System.Logger LOG = System.getLogger("dev.cairn");

    private final WeakReference<CairnStore> store;
    private final String name;
    private final Clock clock;

    /**
     * When {@link #latest} was taken, or an attempt to take it failed. It is guarded by this
     * object, as the fields below.
     */
    private long takenAtNanos;

    private boolean taken;

    /** The figures that were taken last, or null if they could not be taken. */
    private @Nullable Stats latest;

    /** The last figures that could be taken. */
    private @Nullable Stats counted;

    private boolean warned;

    /**
     * @param name the name of the store, for the log
     */
    Snapshots(CairnStore store, String name, Clock clock) {
        this.store = new WeakReference<>(store);
        this.name = name;
        this.clock = clock;
    }

    /** A figure of this moment; NaN if there is none. */
    double now(ToDoubleFunction<Stats> figure) {
        Stats stats = stats();
        return stats == null ? Double.NaN : figure.applyAsDouble(stats);
    }

    /** A figure that only grows; its last value if there is none of this moment. */
    synchronized double total(ToDoubleFunction<Stats> figure) {
        Stats _ = stats();
        return counted == null ? 0 : figure.applyAsDouble(counted);
    }

    /** Whether the store is open, so that there are figures. */
    boolean isOpen() {
        return stats() != null;
    }

    private synchronized @Nullable Stats stats() {
        CairnStore open = store.get();
        if (open == null) {
            return null;
        }
        try {
            int _ = open.stripes(); // throws if it is closed
            long now = clock.monotonicTime();
            if (!taken || now - takenAtNanos >= KEPT_NANOS) {
                taken = true;
                takenAtNanos = now;
                latest = null;
                latest = open.stats();
                counted = latest;
                warned = false;
            }
            return latest;
        } catch (StoreClosed _) {
            return null;
        } catch (CairnException e) {
            warn(e);
            return null;
        }
    }

    /** Logs a warning once, until the figures can be taken again. */
    private void warn(CairnException e) {
        if (!warned) {
            warned = true;
            LOG.log(
                    System.Logger.Level.WARNING,
                    name + ": the figures of the store could not be read",
                    e);
        }
    }
}
