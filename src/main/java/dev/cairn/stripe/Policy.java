package dev.cairn.stripe;

import static dev.cairn.format.CacheLayout.AGING;
import static dev.cairn.format.CacheLayout.EVICTIONS;
import static dev.cairn.format.CacheLayout.EXPIRATIONS;
import static dev.cairn.format.CacheLayout.FRACTION;
import static dev.cairn.format.CacheLayout.HISTOGRAM;
import static dev.cairn.format.CacheLayout.INSERTED;
import static dev.cairn.format.CacheLayout.JOB_NUMBER;
import static dev.cairn.format.CacheLayout.JOB_PROGRESS;
import static dev.cairn.format.CacheLayout.JOB_THRESHOLD;
import static dev.cairn.format.CacheLayout.SCORES;

import dev.cairn.format.CacheLayout;
import dev.cairn.format.DataHeader;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.Marks;
import dev.cairn.log.Records.Outline;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

/**
 * What is evicted. The oldest region is judged record by record: those that score best are kept, two
 * thirds of the bytes that are judged, and the rest goes.
 *
 * <p>A record scores by its frequency, which it has with it; by its mark, which says that it was read
 * since it was written or moved, and which then counts in the frequency too; and a little for having been
 * kept before. A small record scores higher than a large one, since more of them fit. The frequency of
 * what was evicted is remembered for a while: see {@link Ghosts}. All frequencies are halved after ten
 * times the bound was put.
 *
 * <p>All of it is one stripe's, in shared memory and under its lock, so that whatever process goes on
 * with a region judges as the last one did. After a death a few records may count twice, or not at all:
 * nothing but the choice of what is evicted goes by it.
 */
final class Policy {
    /** What {@link #judge} says of what is not kept. */
    static final int GOES = -1;

    private static final int MOST_FREQUENCY = Ghosts.MOST;

    /** Shifts the epoch of aging above the frequency in the byte of heat. */
    private static final int EPOCH_SHIFT = 4;

    private static final int EPOCH_MASK = 3;

    /** Of the bytes that are judged so many thirds are kept: more leaves too little to new entries. */
    private static final int KEPT_THIRDS = 2;

    /** What a mark is worth, as many frequencies as half of it. */
    private static final int MARK_SCORE = 12;

    /** By which part the histogram fades with each region. */
    private static final int FADING = 8;

    private static final double MOST_BY_SIZE = 4;

    /** The threshold while nothing was judged yet: what scores as a mark does is kept, and a part of the rest. */
    private static final int ANY = SCORES;

    /** Times that the bound is put before frequencies are halved. */
    private static final long AGING_TIMES = 10;

    /** Parts of a score. */
    private static final int PART_BITS = 16;

    private static final long WHOLE_PART = 1L << PART_BITS;

    private final StripeWords words;
    private final MemorySegment memory;
    private final long at;
    private final Ghosts ghosts;
    private final Marks marks;
    private final int regionBytes;
    private final long agingBytes;

    private Policy(
            StripeWords words, MemorySegment memory, DataHeader header, int stripe, Marks marks) {
        this.words = words;
        this.memory = memory;
        this.at = CacheLayout.stripeAt(header, stripe);
        this.ghosts = new Ghosts(memory, at + CacheLayout.GHOSTS, CacheLayout.ghostBytes(header));
        this.marks = marks;
        this.regionBytes = header.regionBytes();
        this.agingBytes = header.cache().maxBytes() / header.stripes() * AGING_TIMES;
    }

    /** Null if the store does not evict. */
    static @Nullable Policy of(Site site) {
        Marks marks = site.mapped().data().marks();
        return marks == null
                ? null
                : new Policy(
                        site.words(),
                        site.mapped().shared().base(),
                        site.mapped().data().header(),
                        site.number(),
                        marks);
    }

    private long word(int field) {
        return Words.acquire(memory, at + field);
    }

    private void store(int field, long value) {
        Words.release(memory, at + field, value);
    }

    private void add(int field, long value) {
        store(field, word(field) + value);
    }

    private int epoch() {
        return (int) word(AGING) & EPOCH_MASK;
    }

    /** The frequency in a byte of heat, halved for each aging since. */
    private int frequency(int heat) {
        int agings = epoch() - (heat >>> EPOCH_SHIFT) & EPOCH_MASK;
        return (heat & MOST_FREQUENCY) >>> agings;
    }

    /** The same heat with another frequency, as of now. */
    private int heat(int heat, int frequency) {
        return heat & RecordLayout.IDLE | epoch() << EPOCH_SHIFT | frequency;
    }

    /**
     * The heat of a record to be put.
     *
     * @param old what it supersedes
     * @param heat that it has by itself
     */
    int heatOfPut(long hash, @Nullable Outline old, int heat) {
        int frequency =
                old == null
                        ? Math.min(MOST_FREQUENCY, ghosts.frequency(hash) + 1)
                        : frequency(old.heat());
        return heat(heat, frequency);
    }

    /**
     * A record was put.
     *
     * @param isNew whether its key was absent; else the put counts as a use
     * @param offset where it lies
     */
    void wasPut(long hash, boolean isNew, long offset, long bytes) {
        if (isNew) {
            ghosts.forget(hash);
        } else {
            marks.set(offset);
        }
        long inserted = word(INSERTED) + bytes;
        if (inserted < agingBytes) {
            store(INSERTED, inserted);
        } else {
            store(INSERTED, 0);
            add(AGING, 1);
            ghosts.halve();
        }
    }

    /** How far into the oldest region it was judged by now. */
    int judgedTo(long number) {
        if (word(JOB_NUMBER) != number) {
            begin(number);
        }
        int to = (int) word(JOB_PROGRESS);
        return to < RegionHeader.BYTES || to > regionBytes ? RegionHeader.BYTES : to;
    }

    private void begin(long number) {
        long sum = 0;
        for (int score = 0; score < SCORES; score++) {
            long bytes = histogram(score);
            bytes -= bytes / FADING;
            store(HISTOGRAM + score * Long.BYTES, bytes);
            sum += bytes;
        }
        long wanted = sum / 3 * KEPT_THIRDS;
        int threshold = sum == 0 ? ANY : SCORES - 1;
        long above = 0;
        while (sum != 0 && threshold > 0 && above + histogram(threshold) <= wanted) {
            above += histogram(threshold--);
        }
        long there = sum == 0 ? 1 : histogram(threshold);
        double part = sum == 0 ? KEPT_THIRDS / 3.0 : (double) (wanted - above) / there;
        store(
                JOB_THRESHOLD,
                (long) threshold << Integer.SIZE
                        | Math.clamp((long) (part * WHOLE_PART), 0, WHOLE_PART));
        store(JOB_PROGRESS, RegionHeader.BYTES);
        store(JOB_NUMBER, number);
    }

    private long histogram(int score) {
        return Math.max(0, word(HISTOGRAM + score * Long.BYTES));
    }

    /** It was judged so far. */
    void judged(int to) {
        store(JOB_PROGRESS, word(JOB_PROGRESS) >>> Integer.SIZE << Integer.SIZE | to);
    }

    /** Bytes of the oldest region that were kept by now. */
    private long kept() {
        return word(JOB_PROGRESS) >>> Integer.SIZE;
    }

    /**
     * Judges a record of the oldest region that is live.
     *
     * @param heat that it has
     * @param isCopy whether it was kept before
     * @param bytes that it takes in its region
     * @param liveBytes the same with its run
     * @param most bytes of the region that may be kept
     * @return the heat of its copy, or {@link #GOES}
     */
    int judge(long offset, int heat, boolean isCopy, int bytes, long liveBytes, long most) {
        boolean marked = marks.isSet(offset);
        int frequency = frequency(heat);
        if (marked) {
            frequency = Math.min(MOST_FREQUENCY, frequency + 1);
        }
        int score = score(frequency, isCopy, marked, liveBytes);
        add(HISTOGRAM + score * Long.BYTES, liveBytes);
        if (isKept(score) && kept() + bytes <= most) {
            add(JOB_PROGRESS, (long) bytes << Integer.SIZE);
            return heat(heat, frequency);
        }
        if (marked) {
            marks.clear(offset); // whoever reads it before it goes sets it again, and keeps it
        }
        return GOES;
    }

    private int score(int frequency, boolean isCopy, boolean marked, long bytes) {
        int score = 2 * frequency + (isCopy ? 1 : 0) + (marked ? MARK_SCORE : 0);
        double mean =
                (double) words.acquire(StripeWords.LIVE_BYTES)
                        / Math.max(1, words.acquire(StripeWords.LIVE_COUNT));
        double bySize = Math.min(MOST_BY_SIZE, Math.sqrt(Math.max(0, mean) / bytes));
        return (int) Math.min(SCORES - 1, score * bySize);
    }

    /** Whether a score is kept: of the score at the threshold only a part is. */
    private boolean isKept(int score) {
        long threshold = word(JOB_THRESHOLD);
        long least = threshold >>> Integer.SIZE;
        if (least == ANY ? score >= MARK_SCORE : score != least) {
            return least == ANY || score > least;
        }
        long fraction = word(FRACTION) + (int) threshold;
        store(FRACTION, fraction % WHOLE_PART);
        return fraction >= WHOLE_PART;
    }

    /** The heat of a copy of what was read since it was judged; {@link #GOES} if it was not. */
    int heatIfRead(long offset, int heat) {
        return marks.isSet(offset)
                ? heat(heat, Math.min(MOST_FREQUENCY, frequency(heat) + 1))
                : GOES;
    }

    /** An entry was evicted, or had expired. */
    void hasGone(long hash, int heat, boolean expired) {
        if (expired) {
            add(EXPIRATIONS, 1);
        } else {
            add(EVICTIONS, 1);
            ghosts.remember(hash, frequency(heat));
        }
    }
}
