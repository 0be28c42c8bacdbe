package dev.cairn.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.cairn.format.Words;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * Attacks RULE 29: a cached value is returned if first the slot word and then the table word are
 * what they were. Here both are 0 at first. A put changes the slot word and returns. Then its
 * region dies, which changes the table word. Then a later record is put at the old place, so the
 * slot word is 0 again.
 *
 * <p>r1 is 1 if the put had returned when the read began. r2 is 1 if the read returned what was
 * there before.
 */
public final class NearCacheStress {
    private static final int TABLE = 8;
    private static final int RETURNED = 16;

    private NearCacheStress() {}

    public abstract static class Witnesses extends Memory {
        final void putThenReuse() {
            Words.release(FILE, words, 1);
            Words.release(FILE, words + RETURNED, 1);
            Words.release(FILE, words + TABLE, 1);
            Words.release(FILE, words, 0);
        }

        final int returned() {
            return (int) Words.acquire(FILE, words + RETURNED);
        }

        final boolean slotUnchanged() {
            return Words.acquire(FILE, words) == 0;
        }

        final boolean tableUnchanged() {
            return Words.acquire(FILE, words + TABLE) == 0;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Before the put returned.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "While it was under way.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "After it: looked up.")
    @Outcome(id = "1, 1", expect = FORBIDDEN, desc = "After it, and yet the old value.")
    public static class SlotThenTable extends Witnesses {
        @Actor
        public void writer() {
            putThenReuse();
        }

        @Actor
        public void reader(II_Result r) {
            r.r1 = returned();
            r.r2 = slotUnchanged() && tableUnchanged() ? 1 : 0;
        }
    }

    /** The canary: the two words are loaded in the other order. */
    @JCStressTest
    @State
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Before the put returned.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "While it was under way.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "After it: looked up.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "After it, yet the old value.")
    public static class TableThenSlot extends Witnesses {
        @Actor
        public void writer() {
            putThenReuse();
        }

        @Actor
        public void reader(II_Result r) {
            r.r1 = returned();
            r.r2 = tableUnchanged() && slotUnchanged() ? 1 : 0;
        }
    }
}
