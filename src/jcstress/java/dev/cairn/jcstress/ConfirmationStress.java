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
 * Attacks RULES 8 and 9: content that is read between two equal table words is content of that
 * table. A place is written anew only after the table word has changed. The content is 0, then 2.
 */
public final class ConfirmationStress {
    private static final int UNCONFIRMED = 1;

    private ConfirmationStress() {}

    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Confirmed, and from before.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Not confirmed: not used.")
    @Outcome(expect = FORBIDDEN, desc = "Confirmed, though the place was used again.")
    public static class Fenced extends Memory {
        @Actor
        public void writer() {
            Words.release(FILE, words, 1);
            VarHandle.fullFence();
            write(1);
        }

        @Actor
        public void reader(II_Result r) {
            long table = Words.acquire(FILE, words);
            int found = read();
            VarHandle.acquireFence();
            confirm(r, found, table == 0 && Words.acquire(FILE, words) == 0);
        }
    }

    /** The canary: without either fence. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Confirmed, and from before.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Not confirmed: not used.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Confirmed, though the place was used again.")
    public static class Unfenced extends Memory {
        @Actor
        public void writer() {
            Words.release(FILE, words, 1);
            write(1);
        }

        @Actor
        public void reader(II_Result r) {
            long table = Words.acquire(FILE, words);
            int found = read();
            confirm(r, found, table == 0 && Words.acquire(FILE, words) == 0);
        }
    }

    private static void confirm(II_Result r, int found, boolean confirmed) {
        r.r1 = confirmed ? 0 : UNCONFIRMED;
        r.r2 = confirmed ? found : 0;
    }
}
