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
 * Actors    threads that wait for a key; feeds, which wait for all stripes; whoever gives a stripe's
 *           lock back behind a commit.
 * Words     the stripe's waiting word {wakes, feeds wait, threads wait}, on which threads sleep; the
 *           store's feed word, a count on which feeds sleep. A sleep begins only if the word still is
 *           what the sleeper says: the kernel compares it.
 * Steps     A1 threads' bit set, the word noted         A2 full fence, the key looked up
 *           A3 sleep on the waiting word, if it is what was noted
 *           B1 feed word noted                          B2 feeds' bit set in each stripe, full fence
 *           B3 all stripes looked at                    B4 sleep on the feed word, if as noted
 *           W14 the lock is given back, a full fence    W15 waiting word, one load; 0 bits: done
 *           W16 CAS to one wake more and no bits        W17 wake threads; feed word + 1, wake feeds
 * Why it is safe
 *           W6 to W9, the commit, come before W14's fence and the load of W15 behind it; A1 comes
 *           before A2's fence and the look behind it. So the waiter sees the commit, or the writer
 *           sees the bit (Dekker). In the second case W16 makes the word another one than was noted:
 *           before A3, and the kernel refuses to sleep; or after it, and W17 wakes. The count of
 *           wakes is what makes it another one for good: with bits alone, somebody else's A1 behind
 *           W16 would restore what the first one noted, and put it to sleep.
 *           Feeds likewise. That the bit was found set at B2 is as good as to have set it: whoever
 *           cleared it since adds to the feed word behind that, hence behind B1.
 *           A CAS that fails at W16 because the bits are gone: another one cleared them behind this
 *           commit, and wakes; those it wakes look again.
 * What is benign
 *           Bits of those that gave up or died, and changes of other keys: one wake in vain.
 * If a process dies here
 *           Between W14 and W17 nobody wakes whom it should have: every sleep is timed, and at its
 *           end its owner looks (RULE 17).
 */
/** Those that wait for changes, and how they are woken. */
public final class Waiters {
    private final SharedMemory shared;

    public Waiters(SharedMemory shared) {
        this.shared = shared;
    }

    private static long wordAt(StripeWords stripe) {
        return stripe.at() + StripeWords.WAITING;
    }

    /**
     * Asks for a thread to be woken by the stripe's next write; to be followed by a look, then by
     * {@link #sleep}.
     *
     * @return what to hand to it
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

    /** Likewise, for a feed to be woken by the next write to any stripe; {@link #sleepForAll}. */
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

    /** Sleeps until the next write or a while; false if that cannot be done here. */
    public boolean sleep(StripeWords stripe, int noted, long nanos) {
        Steps.at("A3");
        return Futex.await(shared.base(), wordAt(stripe), noted, nanos);
    }

    /** As {@link #sleep}, for a feed. */
    public boolean sleepForAll(int noted, long nanos) {
        Steps.at("B4");
        return Futex.await(shared.base(), SharedLayout.FEED, noted, nanos);
    }

    /** Wakes whoever asked for it; the caller just gave back the lock, and had committed. */
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
