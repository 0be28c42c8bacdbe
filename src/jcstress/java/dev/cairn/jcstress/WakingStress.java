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
 * Attacks waking: a waiter says that it waits and then looks whether there is news, while a writer
 * brings news and then looks whether anybody waits. At least one must see the other.
 *
 * <p>r1 is 1 if the waiter saw the news. r2 is 1 if the writer saw the waiter.
 */
public final class WakingStress {
    private static final int VERSION = 8;
    private static final int LOCK = 16;

    private WakingStress() {}

    public abstract static class Bell extends Memory {
        final int waitFor() {
            boolean _ = Words.cas(FILE, words, 0, 1);
            VarHandle.fullFence();
            return (int) Words.acquire(FILE, words + VERSION);
        }

        final int waiting() {
            return (int) Words.acquire(FILE, words);
        }
    }

    @JCStressTest
    @State
    @Outcome(
            id = {"1, 1", "1, 0", "0, 1"},
            expect = ACCEPTABLE,
            desc = "One saw the other.")
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "Asleep, and nobody knows.")
    public static class UnlockedByExchange extends Bell {
        @Actor
        public void waiter(II_Result r) {
            r.r1 = waitFor();
        }

        @Actor
        public void writer(II_Result r) {
            Words.release(FILE, words + VERSION, 1);
            long _ = Words.exchange(FILE, words + LOCK, 0);
            r.r2 = waiting();
        }
    }

    /** The canary: the unlock is no fence. */
    @JCStressTest
    @State
    @Outcome(
            id = {"1, 1", "1, 0", "0, 1"},
            expect = ACCEPTABLE,
            desc = "One saw the other.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE_INTERESTING, desc = "Asleep, and nobody knows.")
    public static class UnlockedByRelease extends Bell {
        @Actor
        public void waiter(II_Result r) {
            r.r1 = waitFor();
        }

        @Actor
        public void writer(II_Result r) {
            Words.release(FILE, words + VERSION, 1);
            Words.release(FILE, words + LOCK, 0);
            r.r2 = waiting();
        }
    }
}
