package dev.cairn.stripe;

import dev.cairn.CorruptStore;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.Draft;
import dev.cairn.shared.StoreClock;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * The state of a stripe's oldest region: whether most of it has expired, and whether it fits
 * elsewhere.
 */
final class OldestRegion {
    /** The oldest region is looked at again when this fraction of its bytes has expired since. */
    private static final int SHARE = 8;

    /** The expiry of an entry without one. */
    private static final long NEVER = 0;

    private final int number;
    private final StripeWords words;
    private final DataFile data;
    private final StoreClock clock;
    private final Index index;
    private final KeyHash hash;
    private final Damages damages;
    private final Tail tail;

    /** What was found in the oldest region; replaced as a whole. */
    private @Nullable Seen seen;

    /** How many times an oldest region was read for that. */
    private final LongAdder looks = new LongAdder();

    OldestRegion(StripeContext context, Tail tail) {
        this.number = context.number();
        this.words = context.words();
        this.data = context.mapped().data();
        this.clock = context.mapped().shared().clock();
        this.index = context.mapped().index();
        this.hash = context.mapped().hash();
        this.damages = context.damages();
        this.tail = tail;
    }

    /**
     * An oldest region that need not be looked at before a certain time, because most of it is live
     * until then.
     *
     * @param number its allocation number
     * @param again milliseconds since 1970; {@link #NEVER} for as long as it is the oldest
     */
    private record Seen(long number, long again) {}

    /**
     * Whether entries of the stripe may have expired. They count as garbage only when they are
     * dropped.
     */
    boolean mayHaveExpired() {
        return clock.hasCome(words.acquire(StripeWords.EARLIEST_EXPIRY));
    }

    /**
     * Whether to look at the oldest region, because most of it may have expired. It needs no lock.
     */
    boolean isDue() {
        Seen last = seen;
        return mayHaveExpired()
                && (last == null
                        || last.number != words.acquire(StripeWords.OLDEST_NUMBER)
                        || clock.hasCome(last.again));
    }

    /**
     * Whether most of the oldest region has expired, or is superseded; the caller holds the
     * stripe's lock. The region is read again when it is another one, or when an eighth of it has
     * expired since. What was superseded meanwhile is garbage, which cleaning takes into account
     * anyway.
     */
    boolean hasExpired() {
        looks.increment();
        List<Chain.Entry> live = new ArrayList<>();
        long[] bytes = {0, 0};
        try {
            oldest().forEach(entry -> {
                bytes[0] += entry.liveBytes();
                if (!clock.hasCome(entry.expires()) && counts(entry)) {
                    bytes[1] += entry.liveBytes();
                    live.add(entry);
                }
            });
        } catch (CorruptStore e) {
            damages.found(number(), e);
            seen = new Seen(number(), NEVER);
            return false;
        }
        seen = new Seen(number(), expiryOf(live, bytes[0] / SHARE));
        return 2 * bytes[1] < bytes[0];
    }

    /**
     * Whether a new region has room for a record and for all live records of the oldest region,
     * except the one that the record supersedes. The caller holds the lock.
     */
    boolean fitsBeside(byte[] key, int bytes) {
        if (words.acquire(StripeWords.OLDEST) == 0 || words.damaged()) {
            return false;
        }
        long[] needed = {RegionHeader.BYTES + bytes};
        try {
            oldest().forEach(entry -> {
                if (counts(entry) && !Arrays.equals(entry.key(), key)) {
                    needed[0] += bytesElsewhere(entry);
                }
            });
        } catch (CorruptStore e) {
            damages.found(number(), e);
            return false;
        }
        return needed[0] <= data.regionBytes();
    }

    /**
     * The bytes that replace an entry elsewhere: those of a copy, or of a tombstone, which may need
     * regions of its own.
     */
    private long bytesElsewhere(Chain.Entry entry) {
        int runRegions =
                clock.hasCome(entry.expires())
                        ? Draft.of(entry.key(), null, 0, data.regionBytes())
                                .runRegions(data.regionBytes())
                        : 0;
        return entry.bytes() + (long) runRegions * data.regionBytes();
    }

    private boolean counts(Chain.Entry entry) {
        return entry.kind() == RecordLayout.PUT
                && !entry.gone()
                && index.pointsTo(words, hash.of(entry.key()), entry.offset());
    }

    private Chain oldest() {
        long region = words.acquire(StripeWords.OLDEST) - 1;
        long end =
                tail.isIn(region)
                        ? words.acquire(StripeWords.TAIL)
                        : Place.tail(region, data.regionBytes());
        return Chain.region(data, number, region, number(), end);
    }

    private long number() {
        return words.acquire(StripeWords.OLDEST_NUMBER);
    }

    /** The time at which this many bytes of entries will have expired. */
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

    /** How many times this process read an oldest region to see how much of it has expired. */
    long looks() {
        return looks.sum();
    }
}
