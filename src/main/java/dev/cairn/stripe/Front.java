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

/** What stands in a stripe's oldest region: whether most of it has expired, and whether it fits elsewhere. */
final class Front {
    /** Of the oldest region's bytes, how many may expire before it is looked at again. */
    private static final int SHARE = 8;

    /** The expiry of what has none. */
    private static final long NEVER = 0;

    private final int number;
    private final StripeWords words;
    private final DataFile data;
    private final StoreClock clock;
    private final Index index;
    private final KeyHash hash;
    private final Damages damages;
    private final Tail tail;

    /** What the oldest region was found to be; replaced as a whole. */
    private @Nullable Seen seen;

    /** Times that an oldest region was read for that. */
    private final LongAdder looks = new LongAdder();

    Front(Site site, Tail tail) {
        this.number = site.number();
        this.words = site.words();
        this.data = site.mapped().data();
        this.clock = site.mapped().shared().clock();
        this.index = site.mapped().index();
        this.hash = site.mapped().hash();
        this.damages = site.damages();
        this.tail = tail;
    }

    /**
     * An oldest region that need not be looked at before some time: most of it counts until then.
     *
     * @param number its allocation number
     * @param again milliseconds since 1970, {@link #NEVER} for as long as it is the oldest
     */
    private record Seen(long number, long again) {}

    /** Whether entries of the stripe may have expired, which are no garbage until they are dropped. */
    boolean mayHaveExpired() {
        return clock.hasCome(words.acquire(StripeWords.EARLIEST_EXPIRY));
    }

    /** Whether to look at the oldest region: perhaps most of it has expired. Needs no lock. */
    boolean isDue() {
        Seen last = seen;
        return mayHaveExpired()
                && (last == null
                        || last.number != words.acquire(StripeWords.OLDEST_NUMBER)
                        || clock.hasCome(last.again));
    }

    /**
     * Whether most of the oldest region has expired, or is superseded; under the stripe's lock. It is
     * read again once it is another, or an eighth of it has expired since. What was superseded
     * meanwhile is garbage, which cleaning goes by besides.
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
     * Whether a new region has room for a record and for all that the oldest one holds and the index
     * points to, but for what the record supersedes; under the lock.
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

    /** What takes an entry's place: a copy, or a tombstone, which may need regions besides. */
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
    long looks() {
        return looks.sum();
    }
}
