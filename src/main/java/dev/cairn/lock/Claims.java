package dev.cairn.lock;

import dev.cairn.format.ClaimWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.function.LongPredicate;

/*
 * Actors    at most one thread per hash in each process, which the caller ensures; dead processes.
 * Words     a bucket's lock; its claims {hash, owner}, where an owner is a lock word, 0 for none.
 * Steps     C1 lock the bucket      C2 check that no live process claims the hash; find a free claim
 *           C3 hash      C4 owner      C5 unlock      C6 (release, without the lock) owner := 0
 * Why it is safe
 *           C2 to C4 run under the lock. So if two processes claim a hash, the second finds the first's
 *           owner. C6 only removes, and only the process's own claim.
 * If a process dies here, or leaves
 *           Before C4 the claim was never made. After C4 the owner is dead, and the next process that
 *           asks takes its claim. A claim with this process's own word was left by a failure of this
 *           process, because its caller lets no two threads claim one hash.
 */
/** Claims on hashes of keys: of all live processes that ask for a hash, at most one gets it. */
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

    /** The result of a claim. */
    public enum Result {
        MINE,
        ANOTHERS,
        /**
         * There are too many claims at once. The caller has no claim, and may go on without one.
         */
        NO_ROOM
    }

    /**
     * Claims a hash, unless a live process has it. Only one thread of this process may use a hash
     * at a time.
     */
    public Result claim(long hash) {
        return locks[bucket(hash)].holding(timeoutNanos, () -> claimLocked(hash)); // C1, C5
    }

    private Result claimLocked(long hash) {
        long free = 0;
        for (int i = 0; i < ClaimWords.COUNT; i++) { // C2
            long at = claimAt(hash, i);
            long owner = Words.acquire(memory, at + ClaimWords.OWNER);
            boolean same = owner != 0 && Words.acquire(memory, at + ClaimWords.HASH) == hash;
            if (same && owner != processes.word() && !processes.dead(owner)) {
                return Result.ANOTHERS;
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
            return Result.NO_ROOM;
        }
        Words.release(memory, free + ClaimWords.OWNER, 0);
        Words.release(memory, free + ClaimWords.HASH, hash); // C3
        Words.release(memory, free + ClaimWords.OWNER, processes.word()); // C4
        return Result.MINE;
    }

    /** The process that has claimed a hash, if it is known. */
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

    /** Releases a claim. */
    public void release(long hash) {
        for (int i = 0; i < ClaimWords.COUNT; i++) {
            long at = claimAt(hash, i);
            if (Words.acquire(memory, at + ClaimWords.OWNER) == processes.word()
                    && Words.acquire(memory, at + ClaimWords.HASH) == hash) {
                Words.release(memory, at + ClaimWords.OWNER, 0); // C6
            }
        }
    }

    /**
     * Repairs what errors left in this process: locks, and claims on hashes that no thread uses.
     */
    public void mend(LongPredicate isUsed) {
        for (int bucket = 0; bucket < locks.length; bucket++) {
            locks[bucket].mend();
            if (names(bucket)) {
                int each = bucket;
                boolean _ = locks[bucket].holding(timeoutNanos, () -> giveBack(each, isUsed));
            }
        }
    }

    /** Whether a claim of the bucket names this process. */
    private boolean names(int bucket) {
        boolean any = false;
        for (int i = 0; i < ClaimWords.COUNT; i++) {
            any |= Words.acquire(memory, claimAt(bucket, i) + ClaimWords.OWNER) == processes.word();
        }
        return any;
    }

    /**
     * Releases this process's claims on hashes that are not in use. The lock is held, so no new
     * claim is made meanwhile.
     */
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
