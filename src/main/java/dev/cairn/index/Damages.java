package dev.cairn.index;

import dev.cairn.CorruptStore;
import dev.cairn.format.StripeWords;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Regions that cleaning found damaged and left where they are. Noted in the stripe for whoever asks
 * for figures, and here, once a region, for the log: nobody logs with a stripe's lock held (RULE 13).
 */
public final class Damages {
    private final SharedMemory shared;
    private final long[] numbers;
    private final ConcurrentLinkedQueue<Damage> untold = new ConcurrentLinkedQueue<>();

    /**
     * A region at which the cleaning of a stripe stops.
     *
     * @param why says where the damage is
     */
    public record Damage(int stripe, CorruptStore why) {}

    public Damages(SharedMemory shared) {
        this.shared = shared;
        this.numbers = new long[shared.stripes()];
    }

    /** Notes one; under the stripe's lock. */
    public void found(int stripe, long number, CorruptStore why) {
        StripeWords words = shared.stripe(stripe);
        if (numbers[stripe] != number) {
            numbers[stripe] = number;
            untold.add(new Damage(stripe, why));
        }
        if (!words.damaged()) {
            words.release(StripeWords.DAMAGED, number);
        }
    }

    /** For a record whose key cannot be read though its run is nobody else's. */
    public static CorruptStore keyInRun(Path file, long offset) {
        return new CorruptStore(file, offset, "a record whose key is in its run", "another run");
    }

    /** The next that was not told yet; null if there is none. */
    public @Nullable Damage next() {
        return untold.poll();
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
