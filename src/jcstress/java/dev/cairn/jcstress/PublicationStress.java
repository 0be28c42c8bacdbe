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

/** Attacks RULES 7 and 12: whoever sees the slot word must see the whole record. */
public final class PublicationStress {
    private PublicationStress() {}

    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Not there yet.")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "There, all of it.")
    @Outcome(expect = FORBIDDEN, desc = "A slot word without its record.")
    public static class Released extends Memory {
        @Actor
        public void writer() {
            write(1);
            Words.release(FILE, words, 1);
        }

        @Actor
        public void reader(II_Result r) {
            r.r1 = (int) Words.acquire(FILE, words);
            r.r2 = r.r1 == 0 ? 0 : read();
        }
    }

    /** The canary: the slot word is stored and loaded plainly, like any other content. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Not there yet.")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "There, all of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A slot word without its record.")
    public static class Plain extends Memory {
        @Actor
        public void writer() {
            write(1);
            Words.setPlain(FILE, words, 1);
        }

        @Actor
        public void reader(II_Result r) {
            r.r1 = (int) Words.plain(FILE, words);
            r.r2 = r.r1 == 0 ? 0 : read();
        }
    }
}
