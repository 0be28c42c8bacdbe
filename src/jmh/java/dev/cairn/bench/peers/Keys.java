package dev.cairn.bench.peers;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/**
 * The keys that one thread asks for, as numbers of entries, from a random stream of its own. If a
 * stream were another thread's, shifted, the two would share the processor's cache and meet at
 * locks. So a split stream has both a start and a step of its own.
 */
final class Keys {
    private static final double EXPONENT = 0.99;
    private static final int MAX_SAMPLES = 1 << 22;
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long STEP = 0x9E37_79B9_7F4A_7C15L;
    private static final long FIRST = 0xFF51_AFD7_ED55_8CCDL;
    private static final long SECOND = 0xC4CE_B9FE_1A85_EC53L;
    private static final long UNDO_FIRST = inverse(FIRST);
    private static final long UNDO_SECOND = inverse(SECOND);

    private final SplittableRandom random;
    private final int entries;
    private int[] samples = {};
    private int nextSample;
    private boolean zipf;

    Keys(int entries, int round, int process, int thread) {
        this.entries = entries;
        this.random = new SplittableRandom(round * 10_000L + process * 100L + thread).split();
    }

    /** Chooses keys by Zipf's law from now on, or evenly. */
    void chooseByZipf(boolean now) {
        if (now && samples.length == 0) {
            samples = zipf((int) Math.min(4L * entries, MAX_SAMPLES));
        }
        zipf = now;
    }

    /**
     * The next keys, with a random number for each. The lower half of that number says nothing
     * about the key.
     */
    record Batch(int[] entries, long[] randoms) {}

    Batch draw(int count) {
        Batch batch = new Batch(new int[count], new long[count]);
        for (int i = 0; i < count; i++) {
            long number = random.nextLong();
            batch.randoms[i] = number;
            batch.entries[i] = zipf ? nextSample() : (int) (((number >>> 32) * entries) >>> 32);
        }
        return batch;
    }

    private int nextSample() {
        nextSample = nextSample + 1 == samples.length ? 0 : nextSample + 1;
        return samples[nextSample];
    }

    /*
     * Draws samples in advance, since a power costs as much as a tenth of a get. It uses the
     * approximation of Gray et al., as YCSB does. Which entries are the frequent ones is scrambled.
     */
    private int[] zipf(int count) {
        double sum = 0;
        for (int rank = 1; rank <= entries; rank++) {
            sum += Math.pow(rank, -EXPONENT);
        }
        double two = 1 + Math.pow(2, -EXPONENT);
        double eta = (1 - Math.pow(2.0 / entries, 1 - EXPONENT)) / (1 - two / sum);
        int[] drawn = new int[count];
        for (int i = 0; i < count; i++) {
            double u = random.nextDouble();
            double rank = entries * Math.pow(eta * u - eta + 1, 1 / (1 - EXPONENT));
            if (u * sum < two) {
                rank = u * sum < 1 ? 0 : 1;
            }
            drawn[i] = (int) (((mix((long) rank) >>> 32) * entries) >>> 32);
        }
        return drawn;
    }

    /** Writes the key of an entry: its mixed number, and what follows from that. */
    static void write(byte[] key, long entry) {
        long word = mix(entry);
        for (int at = 0; at < key.length; at += 8) {
            LONG.set(key, at, word);
            word = word * 0xD6E8_FEB8_6659_FD93L + 1;
        }
    }

    /** The entry of a key, from the first 8 bytes of the key. */
    static long entry(byte[] key) {
        return unmix(word(key, 0));
    }

    static long word(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    static void setWord(byte[] bytes, int at, long word) {
        LONG.set(bytes, at, word);
    }

    /** The finalizer of MurmurHash3 after an addition, so that no number is its own key. */
    private static long mix(long number) {
        long z = number + STEP;
        z = (z ^ (z >>> 33)) * FIRST;
        z = (z ^ (z >>> 33)) * SECOND;
        return z ^ (z >>> 33);
    }

    /** Undoes {@link #mix}. A shift by more than half of the bits undoes itself. */
    private static long unmix(long mixed) {
        long z = (mixed ^ (mixed >>> 33)) * UNDO_SECOND;
        z = (z ^ (z >>> 33)) * UNDO_FIRST;
        return (z ^ (z >>> 33)) - STEP;
    }

    /**
     * The number by which an odd number must be multiplied to give 1. Each step doubles the bits
     * that are right.
     */
    private static long inverse(long odd) {
        long inverse = odd;
        for (int bits = 3; bits < Long.SIZE; bits *= 2) {
            inverse *= 2 - odd * inverse;
        }
        return inverse;
    }
}
