package dev.cairn.stripe;

import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.WaitingWord;
import dev.cairn.format.Words;
import dev.cairn.os.Futex;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import java.lang.invoke.VarHandle;

/*
 * Actors    threads that wait for a key; feeds, which wait for all stripes; a thread that releases a
 *           stripe's lock after a commit.
 * Words     the stripe's waiting word {wakes, feeds wait, threads wait}, on which threads sleep; the
 *           store's feed word, a count on which feeds sleep. A sleep begins only if the word still is
 *           what the sleeper says: the kernel compares it.
 * Steps     A1 threads' bit set, the word noted         A2 full fence, the key looked up
 *           A3 sleep on the waiting word, if it is what was noted
 *           B1 feed word noted                          B2 feeds' bit set in each stripe, full fence
 *           B3 all stripes looked at                    B4 sleep on the feed word, if as noted
 *           W14 the lock is released, a full fence      W15 waiting word, one load; 0 bits: done
 *           W16 CAS to one more wake and no bits        W17 wake threads; feed word + 1, wake feeds
 * Why it is safe
 *           W6 to W9, the commit, come before W14's fence and the load of W15 after it; A1 comes
 *           before A2's fence and the look after it. So the waiter sees the commit, or the writer
 *           sees the bit (Dekker). In the second case W16 changes the word: before A3, and the kernel
 *           refuses to sleep; or after it, and W17 wakes. Because of the count of wakes, the word never
 *           becomes what was noted again: with bits alone, another thread's A1 after W16 would restore
 *           it, and the first thread would fall asleep.
 *           The same holds for feeds. If the bit is already set at B2, that is as good as setting it:
 *           a process that clears it adds to the feed word after that, hence after B1.
 *           If the CAS of W16 fails because the bits are gone, another thread cleared them after this
 *           commit, and wakes; those that it wakes look again.
 * What is benign
 *           Bits of threads that gave up or died, and changes of other keys: one needless wake.
 * If a process dies here
 *           Between W14 and W17 the waiters are not woken: every sleep is timed, and at its end the
 *           thread looks (RULE 17).
 */
/** The threads and feeds that wait for changes, and how they are woken. */
public final class Waiters {
    private final SharedMemory shared;

    public Waiters(SharedMemory shared) {
        this.shared = shared;
    }

    private static long wordAt(StripeWords stripe) {
        return stripe.at() + StripeWords.WAITING;
    }

    /**
     * Asks that the stripe's next write wakes this thread. The caller must then look, and then call
     * {@link #sleep}.
     *
     * @return the word to pass to {@link #sleep}
     */
    public int ask(StripeWords stripe) {
        return ask(stripe, WaitingWord.THREADS);
    }

    private int ask(StripeWords stripe, long who) {
        long at = wordAt(stripe);
        long asked;
        long word;
        do {
            word = Words.acquire(shared.base(), at);
            asked = word | who;
        } while (!Words.cas(shared.base(), at, word, asked)); // A1
        VarHandle.fullFence(); // A2
        return (int) asked;
    }

    /**
     * Asks that the next write to any stripe wakes this feed. The caller must then look, and then
     * call {@link #sleepForAll}.
     *
     * @return the word to pass to {@link #sleepForAll}
     */
    public int askAll() {
        int noted = (int) shared.acquire(SharedLayout.FEED); // B1
        for (int each = 0; each < shared.stripes(); each++) {
            StripeWords stripe = shared.stripe(each);
            long word = Words.acquire(shared.base(), wordAt(stripe));
            if ((word & WaitingWord.FEEDS) == 0) {
                int _ = ask(stripe, WaitingWord.FEEDS);
            }
        }
        VarHandle.fullFence(); // B2
        return noted;
    }

    /**
     * Sleeps until the next write, or for {@code nanos}; returns false if threads cannot sleep on a
     * word here.
     */
    public boolean sleep(StripeWords stripe, int noted, long nanos) {
        Steps.at("A3");
        return Futex.await(shared.base(), wordAt(stripe), noted, nanos);
    }

    /** Sleeps as {@link #sleep} does, for a feed. */
    public boolean sleepForAll(int noted, long nanos) {
        Steps.at("B4");
        return Futex.await(shared.base(), SharedLayout.FEED, noted, nanos);
    }

    /** Wakes those that asked for it. The caller has committed, and has just released the lock. */
    void wake(StripeWords stripe) {
        long at = wordAt(stripe);
        long word = Words.acquire(shared.base(), at); // W15
        if (!WaitingWord.asked(word)) {
            return;
        }
        Steps.at("W16");
        while (!Words.cas(shared.base(), at, word, WaitingWord.woken(word))) {
            word = Words.acquire(shared.base(), at);
            if (!WaitingWord.asked(word)) {
                return;
            }
        }
        Steps.at("W17");
        if ((word & WaitingWord.THREADS) != 0) {
            Futex.wakeAll(shared.base(), at);
        }
        if ((word & WaitingWord.FEEDS) != 0) {
            Words.add(shared.base(), SharedLayout.FEED, 1);
            Steps.at("W17 feeds");
            Futex.wakeAll(shared.base(), SharedLayout.FEED);
        }
    }
}
