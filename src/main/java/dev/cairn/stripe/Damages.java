package dev.cairn.stripe;

import dev.cairn.CorruptStore;
import dev.cairn.format.StripeWords;
import dev.cairn.shared.SharedMemory;

import java.nio.file.Path;
import java.util.Queue;

/**
 * The regions of a stripe that cleaning found damaged and left where they are. They are noted in
 * the stripe for statistics, and here, once per region, for the log: no thread logs while it holds
 * a stripe's lock (RULE 13).
 */
public final class Damages {
    private final int stripe;
    private final StripeWords words;
    private final Queue<Damage> untold;

    /** The region that was found last; guarded by the stripe's lock. */
    private long last;

    /**
     * A region at which the cleaning of a stripe stops.
     *
     * @param why the exception that says where the damage is
     */
    public record Damage(int stripe, CorruptStore why) {}

    /**
     * @param untold the queue of damages to be logged
     */
    Damages(int stripe, StripeWords words, Queue<Damage> untold) {
        this.stripe = stripe;
        this.words = words;
        this.untold = untold;
    }

    /**
     * Notes a damaged region; the caller holds the stripe's lock.
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

    /**
     * The exception about a record whose key cannot be read, although its run belongs to no other
     * record.
     */
    static CorruptStore keyInRun(Path file, long offset) {
        return new CorruptStore(
                file, offset, "a run with the key of this record", "a run with another content");
    }

    /**
     * The number of stripes whose cleaning stops at a damaged region, whichever process found it.
     */
    public static int stripes(SharedMemory shared) {
        int stripes = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            stripes += shared.stripe(stripe).damaged() ? 1 : 0;
        }
        return stripes;
    }
}
