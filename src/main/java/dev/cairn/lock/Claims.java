package dev.cairn.lock;

import dev.cairn.format.ClaimWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.function.LongPredicate;

/*
 * Actors    one thread a hash of each process, as its caller sees to; corpses.
 * Words     a bucket's lock; its claims {hash, owner}, an owner being a lock word, 0 none.
 * Steps     C1 the bucket's lock      C2 no claim on the hash by a live process, and one to take
 *           C3 hash      C4 owner      C5 unlock      C6 (release, without the lock) owner := 0
 * Why it is safe
 *           C2 to C4 stand under the lock, so of two that claim a hash the second finds the first's
 *           owner. C6 only takes away, and only its own.
 * If a process dies here, or leaves
 *           Before C4: the claim was never made. Behind it: the owner is dead, and the next one to
 *           ask takes its claim. A claim with our own word was left by a failure of this process,
 *           as its caller lets no two threads near one hash.
 */
/** Who does something about a key, by its hash: at most one live process of those that ask. */
public final class Claims {
    private final MemorySegment memory;
    private final ProcessTable processes;
    private final SharedLock[] locks = new SharedLock[SharedLayout.CLAIM_BUCKETS];
    private volatile long timeoutNanos;

    public Claims(
            MemorySegment memory,
            ProcessTable processes,
            Contention contention,
            long timeoutNanos) {
        this.memory = memory;
        this.processes = processes;
        this.timeoutNanos = timeoutNanos;
        Arrays.setAll(
                locks,
                bucket ->
                        new SharedLock(
                                memory,
                                SharedLayout.claimBucketAt(bucket) + ClaimWords.LOCK,
                                "the lock of claims",
                                processes,
                                contention));
    }

    public void lengthenTimeout(long nanos) {
        timeoutNanos = nanos;
    }

    /** What came of asking. */
    public enum Answer {
        MINE,
        ANOTHERS,
        /** There are too many claims at once: nobody has this one. */
        NO_ROOM
    }

    /** Claims a hash, unless a live process has it; for one thread at a time of those with it. */
    public Answer claim(long hash) {
        return locks[bucket(hash)].holding(timeoutNanos, () -> claimLocked(hash)); // C1, C5
    }

    private Answer claimLocked(long hash) {
        long free = 0;
        for (int i = 0; i < ClaimWords.COUNT; i++) { // C2
            long at = claimAt(hash, i);
            long owner = Words.acquire(memory, at + ClaimWords.OWNER);
            boolean same = owner != 0 && Words.acquire(memory, at + ClaimWords.HASH) == hash;
            if (same && owner != processes.word() && !processes.dead(owner)) {
                return Answer.ANOTHERS;
            }
            if (same || free == 0 && owner == 0) {
                free = at;
            }
            if (same) {
                break;
            }
        }
        for (int i = 0; i < ClaimWords.COUNT && free == 0; i++) {
            long at = claimAt(hash, i);
            free = processes.dead(Words.acquire(memory, at + ClaimWords.OWNER)) ? at : 0;
        }
        if (free == 0) {
            return Answer.NO_ROOM;
        }
        Words.release(memory, free + ClaimWords.OWNER, 0);
        Words.release(memory, free + ClaimWords.HASH, hash); // C3
        Words.release(memory, free + ClaimWords.OWNER, processes.word()); // C4
        return Answer.MINE;
    }

    /** The process that has a hash claimed, if that is known. */
    public OptionalLong holder(long hash) {
        for (int i = 0; i < ClaimWords.COUNT; i++) {
            long at = claimAt(hash, i);
            long owner = Words.acquire(memory, at + ClaimWords.OWNER);
            if (owner != 0 && Words.acquire(memory, at + ClaimWords.HASH) == hash) {
                return processes.pid(owner);
            }
        }
        return OptionalLong.empty();
    }

    /** Gives a claim back. */
    public void release(long hash) {
        for (int i = 0; i < ClaimWords.COUNT; i++) {
            long at = claimAt(hash, i);
            if (Words.acquire(memory, at + ClaimWords.OWNER) == processes.word()
                    && Words.acquire(memory, at + ClaimWords.HASH) == hash) {
                Words.release(memory, at + ClaimWords.OWNER, 0); // C6
            }
        }
    }

    /** Repairs what errors left of this process: locks, and claims on hashes that nobody is at. */
    public void mend(LongPredicate isUsed) {
        for (int bucket = 0; bucket < locks.length; bucket++) {
            locks[bucket].mend();
            if (names(bucket)) {
                int each = bucket;
                boolean _ = locks[bucket].holding(timeoutNanos, () -> giveBack(each, isUsed));
            }
        }
    }

    /** Whether any claim of a bucket names this process. */
    private boolean names(int bucket) {
        boolean any = false;
        for (int i = 0; i < ClaimWords.COUNT; i++) {
            any |= Words.acquire(memory, claimAt(bucket, i) + ClaimWords.OWNER) == processes.word();
        }
        return any;
    }

    /** With the lock held no new claim is made: one whose hash is not used now is nobody's. */
    private boolean giveBack(int bucket, LongPredicate isUsed) {
        boolean any = false;
        for (int i = 0; i < ClaimWords.COUNT; i++) {
            long at = claimAt(bucket, i);
            if (Words.acquire(memory, at + ClaimWords.OWNER) == processes.word()
                    && !isUsed.test(Words.acquire(memory, at + ClaimWords.HASH))) {
                Words.release(memory, at + ClaimWords.OWNER, 0); // C6
                any = true;
            }
        }
        return any;
    }

    private static int bucket(long hash) {
        return (int) (hash & SharedLayout.CLAIM_BUCKETS - 1);
    }

    private static long claimAt(long hash, int number) {
        return SharedLayout.claimBucketAt(bucket(hash))
                + ClaimWords.CLAIMS
                + (long) number * ClaimWords.CLAIM_BYTES;
    }
}
