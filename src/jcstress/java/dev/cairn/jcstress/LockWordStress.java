package dev.cairn.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.cairn.format.LockWord;
import dev.cairn.format.Words;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/** Attacks RULE 15: the word of a lock, and what the lock guards. */
public final class LockWordStress {
    private static final long DEAD = LockWord.of(7, 1);

    private LockWordStress() {}

    public abstract static class Lock extends Memory {
        Lock(long word) {
            Words.release(FILE, words, word);
        }

        final boolean take(long judged, int slot) {
            return Words.cas(FILE, words, judged, LockWord.of(slot, 1));
        }

        final void release() {
            long _ = Words.exchange(FILE, words, 0);
        }
    }

    /** Two threads judge the same dead holder. */
    @JCStressTest
    @State
    @Outcome(
            id = {"1, 0, 1", "0, 1, 2"},
            expect = ACCEPTABLE,
            desc = "One has it.")
    @Outcome(expect = FORBIDDEN, desc = "None, or both.")
    public static class TakenOver extends Lock {
        public TakenOver() {
            super(DEAD);
        }

        @Actor
        public void first(III_Result r) {
            r.r1 = take(DEAD, 1) ? 1 : 0;
        }

        @Actor
        public void second(III_Result r) {
            r.r2 = take(DEAD, 2) ? 1 : 0;
        }

        @Arbiter
        public void holder(III_Result r) {
            r.r3 = LockWord.slot(Words.acquire(FILE, words));
        }
    }

    /** One thread has given the lock back when the other comes to its verdict. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0, -1", expect = ACCEPTABLE, desc = "The first had it, nobody has it.")
    @Outcome(id = "0, 1, 2", expect = ACCEPTABLE, desc = "The second has it.")
    @Outcome(expect = FORBIDDEN, desc = "Both, by one verdict.")
    public static class TakenOverAndGivenBack extends Lock {
        public TakenOverAndGivenBack() {
            super(DEAD);
        }

        @Actor
        public void first(III_Result r) {
            if (take(DEAD, 1)) {
                r.r1 = 1;
                release();
            }
        }

        @Actor
        public void second(III_Result r) {
            r.r2 = take(DEAD, 2) ? 1 : 0;
        }

        @Arbiter
        public void holder(III_Result r) {
            r.r3 = LockWord.slot(Words.acquire(FILE, words));
        }
    }

    /** Each holder adds to content that the lock guards. */
    @JCStressTest
    @State
    @Outcome(
            id = {"1, 0, 2", "0, 1, 2"},
            expect = ACCEPTABLE,
            desc = "One found it taken.")
    @Outcome(id = "1, 1, 4", expect = ACCEPTABLE, desc = "One after the other.")
    @Outcome(expect = FORBIDDEN, desc = "Together, or blind to each other.")
    public static class Held extends Lock {
        public Held() {
            super(0);
        }

        @Actor
        public void first(III_Result r) {
            r.r1 = add(1);
        }

        @Actor
        public void second(III_Result r) {
            r.r2 = add(2);
        }

        private int add(int slot) {
            if (!take(0, slot)) {
                return 0;
            }
            write(read() / 2 + 1);
            release();
            return 1;
        }

        @Arbiter
        public void sum(III_Result r) {
            r.r3 = read();
        }
    }
}
