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
 * Decides what is evicted. The oldest region is judged record by record: the records with the best
 * scores are kept, up to two thirds of the bytes that are judged, and the others go.
 *
 * <p>The score of a record depends on its frequency, which is stored in the record; on its mark,
 * which says that it was read since it was written or moved, and which is then added to the
 * frequency; and a little on whether it was kept before. A small record scores higher than a large
 * one, since more of them fit. The frequency of an evicted key is remembered for a while: see
 * {@link Ghosts}. After puts of ten times the bound, all frequencies are halved.
 *
 * <p>All of this belongs to one stripe. It lies in shared memory and is guarded by the stripe's
 * lock, so that a process that goes on with a region judges as the previous one did. After a death
 * a few records may count twice, or not at all: only the choice of what is evicted depends on it.
 */
final class Policy {
    /** The result of {@link #judge} for a record that is not kept. */
    static final int GOES = -1;

    private static final int MOST_FREQUENCY = Ghosts.MOST;

    /** The shift of the epoch of aging, which lies above the frequency in the byte of heat. */
    private static final int EPOCH_SHIFT = 4;

    private static final int EPOCH_MASK = 3;

    /**
     * How many thirds of the judged bytes are kept: more would leave too little to new entries.
     */
    private static final int KEPT_THIRDS = 2;

    /** The score of a mark, which is that of a frequency of half this number. */
    private static final int MARK_SCORE = 12;

    /** The part by which the histogram fades with each region. */
    private static final int FADING = 8;

    private static final double MOST_BY_SIZE = 4;

    /**
     * The threshold while nothing was judged yet: it keeps records with the score of a mark, and a
     * part of the others.
     */
    private static final int ANY = SCORES;

    /** How many times the bound is put before frequencies are halved. */
    private static final long AGING_TIMES = 10;

    /** The number of bits for a part of a score. */
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

    /** The policy of a stripe; null if the store does not evict. */
    static @Nullable Policy of(StripeContext context) {
        Marks marks = context.mapped().data().marks();
        return marks == null
                ? null
                : new Policy(
                        context.words(),
                        context.mapped().shared().base(),
                        context.mapped().data().header(),
                        context.number(),
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

    /** The same heat with another frequency and the current epoch of aging. */
    private int heat(int heat, int frequency) {
        return heat & RecordLayout.IDLE | epoch() << EPOCH_SHIFT | frequency;
    }

    /**
     * The heat of a record that is about to be put.
     *
     * @param old the record that it supersedes
     * @param heat the heat that it has by itself
     */
    int heatOfPut(long hash, @Nullable Outline old, int heat) {
        int frequency =
                old == null
                        ? Math.min(MOST_FREQUENCY, ghosts.frequency(hash) + 1)
                        : frequency(old.heat());
        return heat(heat, frequency);
    }

    /**
     * Notes that a record was put.
     *
     * @param isNew whether its key was absent; otherwise the put counts as a use
     * @param offset the offset of the record
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

    /** How far the oldest region is judged. */
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

    /** Notes how far the oldest region is judged. */
    void judged(int to) {
        store(JOB_PROGRESS, word(JOB_PROGRESS) >>> Integer.SIZE << Integer.SIZE | to);
    }

    /** How many bytes of the oldest region were kept so far. */
    private long kept() {
        return word(JOB_PROGRESS) >>> Integer.SIZE;
    }

    /**
     * Judges a live record of the oldest region.
     *
     * @param heat the heat of the record
     * @param isCopy whether the record was kept before
     * @param bytes the bytes that it takes in its region
     * @param liveBytes these bytes and those of its run
     * @param most how many bytes of the region may be kept
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
            marks.clear(offset); // a read before the record goes sets the mark again, and keeps it
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

    /** Whether a score is kept. Of the records with the threshold's score only a part is kept. */
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

    /**
     * The heat of the copy of a record that was read since it was judged; {@link #GOES} if it was
     * not read.
     */
    int heatIfRead(long offset, int heat) {
        return marks.isSet(offset)
                ? heat(heat, Math.min(MOST_FREQUENCY, frequency(heat) + 1))
                : GOES;
    }

    /** Notes that an entry was evicted, or had expired. */
    void hasGone(long hash, int heat, boolean expired) {
        if (expired) {
            add(EXPIRATIONS, 1);
        } else {
            add(EVICTIONS, 1);
            ghosts.remember(hash, frequency(heat));
        }
    }
}
