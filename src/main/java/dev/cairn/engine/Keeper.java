package dev.cairn.engine;

import dev.cairn.Durability;
import dev.cairn.log.Regions.Use;
import dev.cairn.shared.CacheCounters;
import dev.cairn.stripe.Cleaning;
import dev.cairn.stripe.Damages;
import dev.cairn.stripe.Stripe;
import dev.cairn.stripe.Stripes;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.function.LongPredicate;

/**
 * What a process does for a store in the background: cleaning that no writer came to do, and, unless
 * checkpoints are manual, a checkpoint when something changed. Every process that writes has one; they
 * find each other's work done.
 */
final class Keeper {
    /** How often cleaning is looked for where checkpoints are manual; tests set another. */
    private static final String TICK_PROPERTY = "dev.cairn.cleaning-tick-millis";

    private static final long TICK_MILLIS = 1000;

    /** How soon it is noticed that the wall clock was set. */
    private static final Duration CLOCK_TICK = Duration.ofSeconds(1);

    /** How often is looked for what errors left: other processes wait for it, up to their timeout. */
    private static final Duration MEND_TICK = Duration.ofSeconds(1);

    private static final Duration FEEDS_TICK = Duration.ofSeconds(1);

    /** What a kill may lose of the counts of caches. */
    private static final Duration COUNTERS_TICK = Duration.ofSeconds(1);

    private static final Logger LOG = System.getLogger("dev.cairn");

    private final StoreFiles files;
    private final Writing writing;
    private final Stripes stripes;
    private final KeeperThread thread;
    private final Checkpoints checkpoints;
    private final Space space;
    private final boolean evicts;
    private ScheduledFuture<?> ticks;

    /**
     * @param loading tells of a key's hash whether a thread of this process loads it
     */
    Keeper(
            StoreFiles files,
            Writing writing,
            KeeperThread thread,
            Checkpoints checkpoints,
            Space space,
            Feeds feeds,
            CacheCounters counters,
            @Nullable Duration checkpointEvery,
            LongPredicate loading) {
        this.files = files;
        this.writing = writing;
        this.stripes = writing.stripes();
        this.thread = thread;
        this.checkpoints = checkpoints;
        this.space = space;
        this.evicts = writing.mapped().data().header().cache().evicts();
        this.ticks =
                thread.every(
                        checkpointEvery == null
                                ? Duration.ofMillis(Long.getLong(TICK_PROPERTY, TICK_MILLIS))
                                : checkpointEvery,
                        this::tick);
        var _ = thread.every(MEND_TICK, () -> mend(loading));
        var _ = thread.every(FEEDS_TICK, feeds::renew);
        var _ = thread.every(COUNTERS_TICK, counters::share);
        var _ = thread.every(CLOCK_TICK, writing.mapped().shared().clock()::share);
    }

    /** Checkpoints come by themselves from now on, that often; for one thread at a time. */
    void checkpointEvery(Duration period) {
        ticks.cancel(false);
        checkpoints.makeUnasked(writing.mapped().data().header().durability() != Durability.NONE);
        ticks = thread.every(period, this::tick);
    }

    /** What threads of this process left when an error left them no stack, or no memory, to mend it. */
    private void mend(LongPredicate loading) {
        for (Stripe stripe : stripes) {
            thread.attempt(stripe::mend); // one that is damaged is no matter to others
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
            for (Stripe stripe : stripes) { // a stopped holder of one is no matter to others
                thread.attempt(() -> clean(stripe));
            }
            thread.attempt(this::checkpointIfDue);
            tellDamages();
        });
    }

    private void checkpointIfDue() {
        if (checkpoints.makeIfDue()) {
            writing.mapped().data().file().opened().requireNamed(); // or somebody should know
        }
        checkpoints.note(); // another process made one since the last tick: it is early for ours
    }

    private void clean(Stripe stripe) {
        Cleaning cleaning = stripe.cleaning();
        if (cleaning.frontIsDue()) {
            stripe.holding(cleaning::lookAtFront);
        }
        if (cleaning.isDue()) {
            boolean _ = space.clean(stripe, cleaning.tolerated(), cleaning.turnEnd(), Use.REMOVE);
        }
    }

    /** Each region once: reads of it and verification tell too, but perhaps nobody does either. */
    private void tellDamages() {
        for (Damages.Damage damage = stripes.nextDamage();
                damage != null;
                damage = stripes.nextDamage()) {
            LOG.log(
                    Logger.Level.WARNING,
                    (evicts
                                    ? "%s: the entries of stripe %d are dropped because of a damaged region"
                                    : "%s: the cleaning of stripe %d stops at a damaged region, and its log grows")
                            .formatted(files.data(), damage.stripe()),
                    damage.why());
        }
    }
}
