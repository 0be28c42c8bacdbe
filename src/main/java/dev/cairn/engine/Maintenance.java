package dev.cairn.engine;

import dev.cairn.Durability;
import dev.cairn.events.Events;
import dev.cairn.log.Regions.Use;
import dev.cairn.shared.CacheCounters;
import dev.cairn.stripe.Cleaning;
import dev.cairn.stripe.Damages;
import dev.cairn.stripe.Stripe;
import dev.cairn.stripe.Stripes;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.function.LongPredicate;

/**
 * The background work of a process for a store. It does the cleaning for which no writer came and,
 * unless checkpoints are manual, makes a checkpoint when something changed. Every process that
 * writes has a maintenance thread; if one of them has done the work, the others find it done.
 */
final class Maintenance {
    /** How often to look for cleaning if checkpoints are manual; tests set another value. */
    private static final String TICK_PROPERTY = "dev.cairn.cleaning-tick-millis";

    private static final long TICK_MILLIS = 1000;

    /** How soon a change of the wall clock is noticed. */
    private static final Duration CLOCK_TICK = Duration.ofSeconds(1);

    /**
     * How often to look for what errors left: other processes wait for it, up to their timeout.
     */
    private static final Duration MEND_TICK = Duration.ofSeconds(1);

    private static final Duration FEEDS_TICK = Duration.ofSeconds(1);

    /** How soon events are recorded if the flight recorder is started while the store is open. */
    private static final Duration EVENTS_TICK = Duration.ofSeconds(1);

    /** How often counts of caches are published; a kill may lose those of one such period. */
    private static final Duration COUNTERS_TICK = Duration.ofSeconds(1);

    private final Writing writing;
    private final Stripes stripes;
    private final MaintenanceThread thread;
    private final Checkpoints checkpoints;
    private final Space space;
    private final Troubles troubles;
    private final boolean evicts;
    private ScheduledFuture<?> ticks;

    /**
     * @param loading tells whether a thread of this process loads the key with a given hash
     */
    Maintenance(
            Writing writing,
            MaintenanceThread thread,
            Checkpoints checkpoints,
            Space space,
            Troubles troubles,
            Feeds feeds,
            CacheCounters counters,
            @Nullable Duration checkpointEvery,
            LongPredicate loading) {
        this.writing = writing;
        this.stripes = writing.stripes();
        this.thread = thread;
        this.checkpoints = checkpoints;
        this.space = space;
        this.troubles = troubles;
        this.evicts = writing.mapped().data().header().cache().evicts();
        this.ticks =
                thread.every(
                        checkpointEvery == null
                                ? Duration.ofMillis(Long.getLong(TICK_PROPERTY, TICK_MILLIS))
                                : checkpointEvery,
                        this::tick);
        var _ = thread.every(MEND_TICK, () -> mend(loading));
        var _ = thread.every(FEEDS_TICK, feeds::renew);
        var _ = thread.every(EVENTS_TICK, Events::load);
        var _ = thread.every(COUNTERS_TICK, counters::share);
        var _ = thread.every(CLOCK_TICK, writing.mapped().shared().clock()::share);
    }

    /**
     * Makes a checkpoint in the background with this period from now on. One thread at a time may
     * call it.
     */
    void checkpointEvery(Duration period) {
        ticks.cancel(false);
        checkpoints.makeUnasked(writing.mapped().data().header().durability() != Durability.NONE);
        ticks = thread.every(period, this::tick);
    }

    /**
     * Mends what threads of this process left when an error gave them no stack, or no memory, to
     * mend it.
     */
    private void mend(LongPredicate loading) {
        for (Stripe stripe : stripes) {
            thread.attempt(stripe::mend); // if one is damaged, the others are still mended
        }
        thread.attempt(writing.checkpointer()::mend);
        thread.attempt(writing.locks()::mend);
        thread.attempt(space::mend);
        thread.attempt(() -> writing.claims().mend(loading));
    }

    void tick() {
        thread.attemptAll(() -> {
            space.tick();
            thread.attempt(writing.regions().counts()::recountIfDoubted);
            // if the holder of one is stopped, the others are still mended
            for (Stripe stripe : stripes) {
                thread.attempt(() -> clean(stripe));
            }
            thread.attempt(this::checkpointIfDue);
            troubles.look();
            tellDamages();
        });
    }

    private void checkpointIfDue() {
        if (checkpoints.makeIfDue()) {
            // otherwise the user should know
            writing.mapped().data().file().opened().requireNamed();
        }
        // another process made one since the last tick, so it is too early for this one
        checkpoints.note();
    }

    private void clean(Stripe stripe) {
        Cleaning cleaning = stripe.cleaning();
        if (cleaning.oldestRegionIsDue()) {
            stripe.holding(cleaning::lookAtOldestRegion);
        }
        if (cleaning.isDue()) {
            boolean _ = space.clean(stripe, cleaning.tolerated(), cleaning.turnEnd(), Use.REMOVE);
        }
    }

    /**
     * Logs each damaged region once. Reads of it and verification report it too, but there may be
     * none.
     */
    void tellDamages() {
        for (Damages.Damage damage = stripes.nextDamage();
                damage != null;
                damage = stripes.nextDamage()) {
            troubles.damaged(damage, evicts);
        }
    }
}
