package dev.cairn.stripe;

import dev.cairn.CorruptStore;
import dev.cairn.format.StripeWords;
import dev.cairn.shared.SharedMemory;

import java.nio.file.Path;
import java.util.Queue;

/**
 * Regions of a stripe that cleaning found damaged and left where they are. Noted in the stripe for
 * whoever asks for figures, and here, once a region, for the log: nobody logs with a stripe's lock
 * held (RULE 13).
 */
public final class Damages {
    private final int stripe;
    private final StripeWords words;
    private final Queue<Damage> untold;

    /** The last that was found; guarded by the stripe's lock. */
    private long last;

    /**
     * A region at which the cleaning of a stripe stops.
     *
     * @param why says where the damage is
     */
    public record Damage(int stripe, CorruptStore why) {}

    /**
     * @param untold gets what is to be logged
     */
    Damages(int stripe, StripeWords words, Queue<Damage> untold) {
        this.stripe = stripe;
        this.words = words;
        this.untold = untold;
    }

    /**
     * Notes one; under the stripe's lock.
     *
     * @param number the region's allocation number
     */
    void found(long number, CorruptStore why) {
        if (last != number) {
            last = number;
            untold.add(new Damage(stripe, why));
        }
        if (!words.damaged()) {
            words.release(StripeWords.DAMAGED, number);
        }
    }

    /** For a record whose key cannot be read though its run is nobody else's. */
    static CorruptStore keyInRun(Path file, long offset) {
        return new CorruptStore(file, offset, "a record whose key is in its run", "another run");
    }

    /** Stripes whose cleaning stops at a damaged region, whichever process found it. */
    public static int stripes(SharedMemory shared) {
        int stripes = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            stripes += shared.stripe(stripe).damaged() ? 1 : 0;
        }
        return stripes;
    }
}
