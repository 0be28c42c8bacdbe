package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.format.HashBits;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Commit;
import dev.cairn.index.Damages;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Renewal;
import dev.cairn.log.Appender;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.Draft;
import dev.cairn.log.Regions;
import dev.cairn.log.Regions.Use;
import dev.cairn.log.Successors;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/*
 * Actors    whoever holds a stripe's lock: a writer behind its own write, the keeper of any process.
 * Steps     E0 with the last regions of the store: evacuating := the oldest region's number
 *           E1 a record of the oldest region that the index points to: a copy at the tail, by a commit
 *              of its own; version and counts stay. If it is expired: a tombstone at the tail
 *           E2 no such record is left: oldest := its successor, the region dead, by one commit
 * Why it is safe
 *           RULE 24: only the oldest region is cleaned, never the tail. What stands in it and is not
 *           pointed to is superseded, and what supersedes it stands behind it; or it is a tombstone,
 *           and nothing older is left that it could hide. So the region may go as a whole once E1
 *           found nothing more, and nothing ever comes back into it, because a slot word only ever
 *           goes from it to the tail. The successor is read in the hold that sets oldest: a fold may
 *           have put another region in the place of the one that was there before.
 *           Each cut has the region or all its copies, because each E1 and E2 is one commit.
 * If a process dies here
 *           The next holder finishes or undoes the one commit. What was read of the region was this
 *           process's own, and another begins again at the region's first record. Behind E0 the next who
 *           writes to the stripe ends the evacuation before that, so that nothing else comes to where
 *           the copies go: it needs no region but those that were claimed for it.
 * If power fails here
 *           RULE 25: the region is not used again before a checkpoint that does without it.
 */
/** Frees regions whose records are mostly dead, so that the file stays bounded. */
final class Cleaner {
    /** Garbage below which a stripe is left alone: about what its tail and its oldest region hold. */
    private static final int SLACK_REGIONS = 3;

    /** Live bytes per byte of garbage that is tolerated where checkpoints come by themselves. */
    private static final int BACKGROUND_SHARE = 2;

    /** Likewise with manual checkpoints: regions of the last one then stay besides. */
    private static final int MANUAL_SHARE = 6;

    private static final int MOST_OWED = 4;

    /** Bytes of a region that are read at a time. */
    private static final int READ_BYTES = 4096;

    /** Budget of a step that cleans a region in one hold. */
    private static final long WHOLE = Long.MAX_VALUE / 2;

    /** Of the oldest region's bytes, how many may expire before it is looked at again. */
    private static final int FRONT_SHARE = 8;

    /** The expiry of what has none. */
    private static final long NEVER = 0;

    /** What looking at a dead record counts against the budget of a step. */
    private static final int LOOK_BYTES = 32;

    private final DataFile data;
    private final SharedMemory shared;
    private final Index index;
    private final KeyHash hash;
    private final Commit commit;
    private final Renewal renewal;
    private final Appender[] appenders;
    private final Regions regions;
    private final Damages damages;
    private final Writer writer;
    private final Reader reader;
    private int share;

    /** Of each stripe, guarded by its lock. */
    private final @Nullable Job[] jobs;

    /** Likewise. */
    private final Successors[] successors;

    /** Of each stripe, what its oldest region was found to be; replaced as a whole. */
    private final @Nullable Front[] fronts;

    /** Times that an oldest region was read for that. */
    private final LongAdder frontLooks = new LongAdder();

    /** Oldest regions to clean of each stripe however little garbage it has; guarded by its lock. */
    private final int[] owed;

    Cleaner(Parts parts, Writer writer, Reader reader, boolean background) {
        this.data = parts.data();
        this.shared = parts.shared();
        this.index = parts.index();
        this.hash = parts.hash();
        this.commit = parts.requireWriting().commit();
        this.renewal = parts.requireWriting().renewal();
        this.appenders = parts.requireWriting().appenders();
        this.regions = parts.requireWriting().regions();
        this.damages = parts.requireWriting().damages();
        this.fronts = new Front[shared.stripes()];
        this.writer = writer;
        this.reader = reader;
        cleanFor(background);
        this.jobs = new Job[shared.stripes()];
        this.owed = new int[shared.stripes()];
        this.successors = new Successors[shared.stripes()];
        Arrays.setAll(successors, stripe -> new Successors(data, stripe));
    }

    /**
     * How much garbage is tolerated depends on whether checkpoints come by themselves. A plain store:
     * writers that see it late go by the old measure for a while.
     */
    void cleanFor(boolean background) {
        share = background ? BACKGROUND_SHARE : MANUAL_SHARE;
    }

    /**
     * An oldest region that need not be looked at before some time: most of it counts until then.
     *
     * @param number its allocation number
     * @param again milliseconds since 1970, {@link #NEVER} for as long as it is the oldest
     */
    private record Front(long number, long again) {}

    /** How far a step came. */
    enum Progress {
        /** There is nothing to clean. */
        IDLE,
        /** The budget is used up. */
        MORE,
        /** A region has left the chain. */
        FREED,
        /** A copy found no room: {@code makeRoom} without the lock, then again. */
        NO_ROOM
    }

    /** The region that is being cleaned, and those of its records that were read and not yet judged. */
    private static final class Job {
        final long number;

        /** What the next copy or tombstone claims at most. */
        int regionsNeeded = 1;

        final ArrayDeque<Chain.Entry> puts = new ArrayDeque<>();
        @Nullable Chain chain;
        int at = RegionHeader.BYTES;
        long bytes;
        boolean damaged;

        Job(long number) {
            this.number = number;
        }

        void add(Chain.Entry entry) {
            boolean put = entry.kind() == RecordLayout.PUT;
            bytes += put ? entry.bytes() : entry.liveBytes();
            if (put && !entry.gone()) {
                puts.add(entry);
            }
        }
    }

    /** Garbage that a stripe may have before it is cleaned. */
    long tolerated(int stripe) {
        return shared.stripe(stripe).acquire(StripeWords.LIVE_BYTES) / share
                + (long) SLACK_REGIONS * data.regionBytes();
    }

    /** Bytes of a stripe's log that are dead. */
    long garbage(int stripe) {
        StripeWords words = shared.stripe(stripe);
        return words.acquire(StripeWords.LOG_BYTES) - words.acquire(StripeWords.LIVE_BYTES);
    }

    /** Whether entries of a stripe may have expired, which are no garbage until they are dropped. */
    boolean mayHaveExpired(int stripe) {
        return reader.expired(shared.stripe(stripe).acquire(StripeWords.EARLIEST_EXPIRY));
    }

    /**
     * The stripe's log has grown by a region; under its lock. Where entries may have expired, one is
     * cleaned for it: those that still count get out of the way of those that do not.
     */
    void rolled(int stripe) {
        if (mayHaveExpired(stripe)) {
            owed[stripe] = Math.min(owed[stripe] + 1, MOST_OWED);
        }
    }

    /** Whether to look at the oldest region: perhaps most of it has expired. Needs no lock. */
    boolean frontIsDue(int stripe) {
        Front front = fronts[stripe];
        return mayHaveExpired(stripe)
                && (front == null
                        || front.number != shared.stripe(stripe).acquire(StripeWords.OLDEST_NUMBER)
                        || reader.expired(front.again));
    }

    /**
     * Sees to it that the oldest region is cleaned if most of it has expired; under the lock. It is
     * read again once it is another, or an eighth of it has expired since. What was superseded
     * meanwhile is garbage, which cleaning goes by besides.
     */
    void lookAtFront(int stripe) {
        StripeWords words = shared.stripe(stripe);
        long oldest = words.acquire(StripeWords.OLDEST);
        if (oldest == 0
                || oldest == Place.high(words.acquire(StripeWords.TAIL))
                || owed[stripe] > 0
                || !frontIsDue(stripe)) {
            return;
        }
        frontLooks.increment();
        long number = words.acquire(StripeWords.OLDEST_NUMBER);
        List<Chain.Entry> live = new ArrayList<>();
        long[] bytes = {0, 0};
        try {
            front(stripe, words)
                    .forEach(entry -> {
                        bytes[0] += entry.liveBytes();
                        if (isLive(stripe, entry)) {
                            bytes[1] += entry.liveBytes();
                            live.add(entry);
                        }
                    });
        } catch (CorruptStore e) {
            damages.found(stripe, number, e);
            fronts[stripe] = new Front(number, NEVER);
            return;
        }
        owed[stripe] = 2 * bytes[1] < bytes[0] ? 1 : 0;
        fronts[stripe] = new Front(number, expiryOf(live, bytes[0] / FRONT_SHARE));
    }

    /** When so many bytes of entries will have expired. */
    private static long expiryOf(List<Chain.Entry> entries, long bytes) {
        long expired = 0;
        for (Chain.Entry entry :
                entries.stream()
                        .filter(entry -> entry.expires() != 0)
                        .sorted(Comparator.comparingLong(Chain.Entry::expires))
                        .toList()) {
            expired += entry.liveBytes();
            if (expired >= bytes) {
                return entry.expires();
            }
        }
        return NEVER;
    }

    /** Times that this process read an oldest region to see how much of it has expired. */
    long frontLooks() {
        return frontLooks.sum();
    }

    private Chain front(int stripe, StripeWords words) {
        long region = words.acquire(StripeWords.OLDEST) - 1;
        long tail = words.acquire(StripeWords.TAIL);
        long end = region == Place.region(tail) ? tail : Place.tail(region, data.regionBytes());
        long number = words.acquire(StripeWords.OLDEST_NUMBER);
        return Chain.region(data, stripe, region, number, end);
    }

    /**
     * Whether a new region has room for a record and for all that the oldest one holds and the index
     * points to, but for what the record supersedes; under the lock.
     */
    boolean fitsBesideFront(int stripe, byte[] key, int bytes) {
        StripeWords words = shared.stripe(stripe);
        if (words.acquire(StripeWords.OLDEST) == 0 || words.damaged()) {
            return false;
        }
        long[] needed = {RegionHeader.BYTES + bytes};
        try {
            front(stripe, words)
                    .forEach(entry -> {
                        if (counts(stripe, entry) && !Arrays.equals(entry.key(), key)) {
                            needed[0] += bytesElsewhere(entry);
                        }
                    });
        } catch (CorruptStore e) {
            damages.found(stripe, words.acquire(StripeWords.OLDEST_NUMBER), e);
            return false;
        }
        return needed[0] <= data.regionBytes();
    }

    /** What takes an entry's place: a copy, or a tombstone, which may need regions besides. */
    private long bytesElsewhere(Chain.Entry entry) {
        int runRegions =
                reader.expired(entry.expires())
                        ? tombstone(entry).runRegions(data.regionBytes())
                        : 0;
        return entry.bytes() + (long) runRegions * data.regionBytes();
    }

    private boolean counts(int stripe, Chain.Entry entry) {
        return entry.kind() == RecordLayout.PUT
                && !entry.gone()
                && index.pointsTo(stripe, hash.of(entry.key()), entry.key(), entry.offset());
    }

    private boolean isLive(int stripe, Chain.Entry entry) {
        return !reader.expired(entry.expires()) && counts(stripe, entry);
    }

    /** Regions that the copy wants which found no room; without the stripe's lock, so about. */
    int regionsNeeded(int stripe) {
        Job job = jobs[stripe];
        return job == null ? 1 : job.regionsNeeded;
    }

    /** Whether there is anything to clean; without the stripe's lock, so perhaps. */
    boolean isDue(int stripe) {
        return owed[stripe] > 0 || garbage(stripe) > tolerated(stripe);
    }

    /** The allocation number of a stripe's tail region: that of the last one to be cleaned now. */
    long turnEnd(int stripe) {
        return shared.stripe(stripe).acquire(StripeWords.TAIL_NUMBER);
    }

    /** Whether a stripe's oldest region is younger than that. */
    boolean turnIsOver(int stripe, long turnEnd) {
        return shared.stripe(stripe).acquire(StripeWords.OLDEST_NUMBER) > turnEnd;
    }

    /**
     * Cleans a little; under the stripe's lock. With the last regions it is the whole oldest one
     * (RULE 27): so it claims one at most, as what it copies stood in one, and gives one back.
     *
     * @param budget bytes to copy, about
     * @param tolerated garbage at which to stop, -1 for never
     * @param use which regions copies may claim
     */
    Progress step(int stripe, long budget, long tolerated, Use use) {
        StripeWords words = shared.stripe(stripe);
        long oldest = words.acquire(StripeWords.OLDEST);
        if (garbage(stripe) <= tolerated && owed[stripe] == 0
                || oldest == 0
                || oldest == Place.high(words.acquire(StripeWords.TAIL))) {
            return Progress.IDLE;
        }
        long number = words.acquire(StripeWords.OLDEST_NUMBER);
        Job job = jobs[stripe];
        if (job == null || job.number != number) {
            job = new Job(number);
            jobs[stripe] = job;
        }
        if (job.damaged) {
            return Progress.IDLE;
        }
        if (!renewal.ready(stripe, use)) {
            return Progress.NO_ROOM;
        }
        try {
            if (use == Use.EVACUATE) {
                beginEvacuation(stripe);
            }
            long most = use == Use.EVACUATE ? WHOLE : budget;
            return step(stripe, words, job, oldest - 1, most, use);
        } catch (CorruptStore e) {
            job.damaged = true; // the region stays
            damages.found(stripe, number, e);
            commit.failed(stripe);
            commit.repair(stripe);
            return Progress.IDLE;
        } catch (RuntimeException | Error e) {
            jobs[stripe] = null; // half read, perhaps: from the region's first record again
            throw e;
        }
    }

    /** Who takes this over ends it before anything else is written; under the stripe's lock. */
    void beginEvacuation(int stripe) {
        StripeWords words = shared.stripe(stripe);
        words.release(StripeWords.EVACUATING, words.acquire(StripeWords.OLDEST_NUMBER)); // E0
    }

    private Progress step(
            int stripe, StripeWords words, Job job, long region, long budget, Use use) {
        Chain chain = job.chain;
        if (chain == null) {
            long end = Place.tail(region, data.regionBytes());
            chain = Chain.region(data, stripe, region, job.number, end);
            job.chain = chain;
        }
        for (long spent = 0; ; spent += LOOK_BYTES) {
            if (job.puts.isEmpty() && chain.hasRecordAt(job.at)) {
                job.at = chain.forEachFrom(job.at, READ_BYTES, each -> add(stripe, job, each));
                continue;
            }
            Chain.Entry entry = job.puts.peek();
            if (entry == null) {
                return leave(stripe, words, job, region);
            }
            if (spent > budget) {
                return Progress.MORE;
            }
            long hashed = hash.of(entry.key());
            Index.Spot spot = index.locate(stripe, hashed, entry.key());
            if (spot.slot() != 0 && Place.offset(spot.slot()) == entry.offset()) {
                Steps.at("E1");
                if (!(reader.expired(entry.expires())
                        ? drop(stripe, hashed, entry, job, use)
                        : move(stripe, words, hashed, entry, spot, job.number, use))) {
                    return Progress.NO_ROOM;
                }
                spent += entry.bytes();
            }
            job.regionsNeeded = 1;
            job.puts.remove();
        }
    }

    /** A put whose key cannot be read counts, and is damaged, if its run is nobody else's yet. */
    private void add(int stripe, Job job, Chain.Entry entry) {
        Chain.Run run = entry.run();
        if (entry.gone() && run != null && regions.isAlive(stripe, run)) {
            throw Damages.keyInRun(data.path(), entry.offset());
        }
        job.add(entry);
    }

    private Progress leave(int stripe, StripeWords words, Job job, long region) {
        Steps.at("E2");
        commit.leave(stripe, successors[stripe].of(region, job.number, words), job.bytes);
        jobs[stripe] = null;
        owed[stripe] = Math.max(0, owed[stripe] - 1);
        long turn = words.acquire(StripeWords.TURN);
        if (words.acquire(StripeWords.OLDEST_NUMBER) > turn) { // all was moved or written since
            words.release(
                    StripeWords.EARLIEST_EXPIRY, words.acquire(StripeWords.NEXT_EARLIEST_EXPIRY));
            words.release(StripeWords.NEXT_EARLIEST_EXPIRY, 0);
            words.release(StripeWords.TURN, words.acquire(StripeWords.TAIL_NUMBER));
        }
        lookAtFront(stripe);
        return Progress.FREED;
    }

    private Draft tombstone(Chain.Entry entry) {
        return Draft.of(entry.key(), null, 0, data.regionBytes());
    }

    private boolean drop(int stripe, long hashed, Chain.Entry entry, Job job, Use use) {
        Draft tombstone = tombstone(entry);
        job.regionsNeeded = 1 + tombstone.runRegions(data.regionBytes());
        return writer.applyRemoval(stripe, hashed, tombstone, use);
    }

    private boolean move(
            int stripe,
            StripeWords words,
            long hashed,
            Chain.Entry entry,
            Index.Spot spot,
            long number,
            Use use) {
        Appender appender = appenders[stripe];
        Appender.Spot place =
                appender.reserveCopy(
                        entry.bytes(), writer.fold(stripe, entry.key(), entry.bytes(), 0), use);
        if (place == null) {
            commit.repair(stripe); // gives a claim back
            return false;
        }
        words.noteExpiry(entry.expires());
        appender.copy(entry, number, place.offset(), place.tailNumber());
        commit.apply(
                stripe,
                new Commit.Change(
                        spot.slotAt(),
                        index.slotWord(place.offset(), hashed),
                        HashBits.tag(hashed),
                        words.acquire(StripeWords.VERSION),
                        place,
                        words.acquire(StripeWords.LIVE_COUNT),
                        words.acquire(StripeWords.LIVE_BYTES),
                        words.acquire(StripeWords.LOG_BYTES) + entry.bytes(),
                        0,
                        0,
                        0));
        return true;
    }
}
