package dev.cairn.stripe;

import dev.cairn.format.StripeWords;
import dev.cairn.log.Chain;
import dev.cairn.shared.StoreClock;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;

/** Knows whether most of a stripe's oldest region has expired, so that it is worth to clean it. */
final class ExpiredFront {
    /** Of the oldest region's bytes, how many may expire before it is looked at again. */
    private static final int SHARE = 8;

    /** The expiry of what has none. */
    private static final long NEVER = 0;

    private final StripeWords words;
    private final StoreClock clock;

    /** What the oldest region was found to be; replaced as a whole. */
    private @Nullable Front front;

    /** Times that an oldest region was read for that. */
    private final LongAdder looks = new LongAdder();

    ExpiredFront(StripeWords words, StoreClock clock) {
        this.words = words;
        this.clock = clock;
    }

    /**
     * An oldest region that need not be looked at before some time: most of it counts until then.
     *
     * @param number its allocation number
     * @param again milliseconds since 1970, {@link #NEVER} for as long as it is the oldest
     */
    private record Front(long number, long again) {}

    /** Whether entries of the stripe may have expired, which are no garbage until they are dropped. */
    boolean mayHaveExpired() {
        return clock.hasCome(words.acquire(StripeWords.EARLIEST_EXPIRY));
    }

    /** Whether to look at the oldest region: perhaps most of it has expired. Needs no lock. */
    boolean isDue() {
        Front seen = front;
        return mayHaveExpired()
                && (seen == null
                        || seen.number != words.acquire(StripeWords.OLDEST_NUMBER)
                        || clock.hasCome(seen.again));
    }

    /**
     * Whether most of the oldest region has expired, or is superseded; under the stripe's lock. It is
     * read again once it is another, or an eighth of it has expired since. What was superseded
     * meanwhile is garbage, which cleaning goes by besides.
     *
     * @param isLive tells of an entry whether it counts
     */
    boolean hasExpired(Chain oldest, Predicate<Chain.Entry> isLive) {
        looks.increment();
        List<Chain.Entry> live = new ArrayList<>();
        long[] bytes = {0, 0};
        oldest.forEach(entry -> {
            bytes[0] += entry.liveBytes();
            if (isLive.test(entry)) {
                bytes[1] += entry.liveBytes();
                live.add(entry);
            }
        });
        front = new Front(number(), expiryOf(live, bytes[0] / SHARE));
        return 2 * bytes[1] < bytes[0];
    }

    /** The oldest region is damaged: it is not looked at again. */
    void isDamaged() {
        front = new Front(number(), NEVER);
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
