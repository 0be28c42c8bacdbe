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

import java.lang.invoke.VarHandle;

/**
 * Attacks RULES 32 to 34. A record is overwritten in place, and the next image is staged where its
 * own image was. A reader reads where the slot word says, and then confirms the slot word and the
 * table word. The record is 0, 0 at first, then 1, 1. The next image is 2, 2, and is not committed.
 *
 * <p>r1 is the slot word by which the reader read: 0, then 1, which names the image, then 2. It is
 * 9 if the read was not confirmed. r2 is the sum of what the reader read.
 */
public final class InPlaceStress {
    private static final int TABLE = 8;
    private static final int UNCONFIRMED = 9;

    private InPlaceStress() {}

    /** The record, and behind it the place where images are staged. */
    public abstract static class Place extends Memory {
        private static final int STAGED = 32;

        final void stage(long value) {
            Words.setPlain(FILE, content + STAGED, value);
            Words.setPlain(FILE, content + STAGED + Long.BYTES, value);
        }

        final int readStaged() {
            return (int)
                    (Words.plain(FILE, content + STAGED)
                            + Words.plain(FILE, content + STAGED + Long.BYTES));
        }

        final void overwrite() {
            stage(1); // X1
            Words.release(FILE, words, 1); // X4
            VarHandle.storeStoreFence();
            write(1); // X5
            Words.release(FILE, words, 2); // X6
            VarHandle.storeStoreFence();
            stage(2); // X1 of the next overwrite
        }

        final long slot() {
            return Words.acquire(FILE, words);
        }

        final boolean tableUnchanged() {
            return Words.acquire(FILE, words + TABLE) == 0;
        }

        final void read(II_Result r, boolean confirmsOdd, boolean confirmsEven) {
            long slot = slot();
            boolean odd = slot == 1;
            int found = odd ? readStaged() : read();
            VarHandle.acquireFence();
            boolean confirmed = !(odd ? confirmsOdd : confirmsEven) || slot() == slot;
            confirmed &= tableUnchanged();
            r.r1 = confirmed ? (int) slot : UNCONFIRMED;
            r.r2 = confirmed ? found : 0;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "From before.")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "The image.")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "The record in its place.")
    @Outcome(id = "9, 0", expect = ACCEPTABLE, desc = "Not confirmed: not used.")
    @Outcome(expect = FORBIDDEN, desc = "Confirmed, and torn or not committed.")
    public static class Fenced extends Place {
        @Actor
        public void writer() {
            overwrite();
        }

        @Actor
        public void reader(II_Result r) {
            read(r, true, true);
        }
    }

    /**
     * The canary: the slot word is not confirmed if it names the image, whose place is used again.
     */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "From before.")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "The image.")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "The record in its place.")
    @Outcome(id = "9, 0", expect = ACCEPTABLE, desc = "Not confirmed: not used.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Confirmed, and torn or not committed.")
    public static class OddUnconfirmed extends Place {
        @Actor
        public void writer() {
            overwrite();
        }

        @Actor
        public void reader(II_Result r) {
            read(r, false, true);
        }
    }

    /**
     * The canary: the slot word is not confirmed if it names the record. The table word does not
     * tell of a change there.
     */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "From before.")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "The image.")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "The record in its place.")
    @Outcome(id = "9, 0", expect = ACCEPTABLE, desc = "Not confirmed: not used.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Confirmed, and torn or too new.")
    public static class EvenUnconfirmed extends Place {
        @Actor
        public void writer() {
            overwrite();
        }

        @Actor
        public void reader(II_Result r) {
            read(r, true, false);
        }
    }

    /** The canary: without any of the fences of the writer and of the reader. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "From before.")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "The image.")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "The record in its place.")
    @Outcome(id = "9, 0", expect = ACCEPTABLE, desc = "Not confirmed: not used.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Confirmed, and torn or not committed.")
    public static class Unfenced extends Place {
        @Actor
        public void writer() {
            stage(1);
            Words.release(FILE, words, 1);
            write(1);
            Words.release(FILE, words, 2);
            stage(2);
        }

        @Actor
        public void reader(II_Result r) {
            long slot = slot();
            int found = slot == 1 ? readStaged() : read();
            boolean confirmed = slot() == slot && tableUnchanged();
            r.r1 = confirmed ? (int) slot : UNCONFIRMED;
            r.r2 = confirmed ? found : 0;
        }
    }
}
