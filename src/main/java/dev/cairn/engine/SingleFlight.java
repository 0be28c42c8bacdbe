package dev.cairn.engine;

import dev.cairn.LockTimeout;
import dev.cairn.lock.Claims;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/*
 * Actors    threads of any process that want the value of a key, absent so far.
 * Words     flights, a map of this process; claims in shared memory.
 * Steps     S1 one flight a key in this process; who finds another's waits for its end, looks, S1
 *           S2 the claim on the key's hash; while a live process has it: wait for a change, look, S2
 *           S3 look: whoever had the claim before may have written the key
 *           S4 load and write, without any lock      S5 give the claim back, end the flight
 * Why it is safe
 *           Whoever reaches S4 saw the key absent while it had the claim, and writes before it gives
 *           the claim back: of all who want an absent key one loads it. Whatever writes the key
 *           besides is not kept from doing so; S4's write then finds it there.
 * What is benign
 *           Two keys with one hash of 64 bits are taken for one another: loaded one after the other,
 *           and refused if the loader of one asks for the other. Beyond some 1,700
 *           loads at once there may be no room for a claim: one load for each process then.
 *           An error may leave a flight in the map and a claim in shared memory, for want of a stack to
 *           give them back with. That the flight is over is a store, for which none is needed: whoever
 *           finds it so takes it away, and the keeper gives back a claim whose hash has no flight.
 * If a process dies here
 *           Its claim is a dead one's, and the first to ask after its death goes on to S3. Those who
 *           wait ask every few milliseconds.
 */
/** Sees to it that of all processes one thread loads a key, while the others wait for it. */
final class SingleFlight {
    /** A thread that waits for another of its process looks that often whether the store is open. */
    private static final long LOCAL_PAUSE_MILLIS = 50;

    /** By the hash of the key, as claims are. */
    private final ConcurrentMap<Long, Flight> flights = new ConcurrentHashMap<>();

    private static final class Flight {
        final Thread thread = Thread.currentThread();
        final CountDownLatch ended = new CountDownLatch(1);
        volatile boolean over;
    }

    /** What a flight takes of the store, about its key. */
    interface Store {
        Claims.Answer claim();

        /** Throws nothing because the store was closed meanwhile. */
        void release();

        /** Waits a few milliseconds at most for the key to be written. */
        void await() throws InterruptedException;

        LockTimeout timeout();
    }

    /**
     * The value of a key, loaded if it is absent.
     *
     * @param timeoutNanos how long to wait while others load it
     * @param look gives the value that is there, null if none is; throws if the store is closed
     * @param load loads and writes it; null if there is none to be had
     * @throws IllegalStateException if the load leads back here, with the same key
     * @throws LockTimeout if the others did not come to an end
     */
    <T> @Nullable T get(
            Store store,
            long hash,
            long timeoutNanos,
            Supplier<@Nullable T> look,
            Supplier<@Nullable T> load) {
        long deadline = System.nanoTime() + timeoutNanos;
        Flight own = new Flight();
        try {
            Flight other;
            while ((other = flights.putIfAbsent(hash, own)) != null) { // S1
                T value = awaited(other, hash, look);
                if (value != null) {
                    return value;
                }
                requireTime(store, deadline);
            }
            return getAlone(store, deadline, look, load);
        } finally {
            own.over = true; // first, and no call: after an error there may be no stack for one
            flights.remove(hash, own);
            own.ended.countDown();
        }
    }

    /** What another thread of this process has loaded, after some milliseconds at most. */
    private <T> @Nullable T awaited(Flight other, long hash, Supplier<@Nullable T> look) {
        if (other.over) {
            flights.remove(hash, other);
        } else if (other.thread == Thread.currentThread()) {
            throw new IllegalStateException("the loader of a key asks for the same key");
        } else {
            uninterrupted(() -> {
                boolean _ = other.ended.await(LOCAL_PAUSE_MILLIS, TimeUnit.MILLISECONDS);
            });
        }
        return look.get();
    }

    /**
     * Begins work on a hash, unless any thread of any process is at it; waits for nobody.
     *
     * @return null if somebody is
     */
    KeyLoads.@Nullable Begun tryBegin(Store store, long hash) {
        Flight own = new Flight();
        Flight other = flights.putIfAbsent(hash, own); // S1
        if (other != null && (!other.over || !flights.replace(hash, other, own))) {
            return null;
        }
        Claims.Answer answer = Claims.Answer.ANOTHERS;
        try {
            answer = store.claim(); // S2
        } finally {
            if (answer == Claims.Answer.ANOTHERS) {
                end(own, hash);
            }
        }
        return answer == Claims.Answer.ANOTHERS
                ? null
                : new Work(store, hash, own, answer == Claims.Answer.MINE);
    }

    private void end(Flight own, long hash) {
        own.over = true; // first, and no call: after an error there may be no stack for one
        flights.remove(hash, own);
        own.ended.countDown();
    }

    /** What {@link #tryBegin} began. */
    private final class Work implements KeyLoads.Begun {
        private final Store store;
        private final long hash;
        private final Flight own;
        private final boolean claimed;

        Work(Store store, long hash, Flight own, boolean claimed) {
            this.store = store;
            this.hash = hash;
            this.own = own;
            this.claimed = claimed;
        }

        @Override
        public boolean isClaimed() {
            return claimed;
        }

        @Override
        public void close() {
            try {
                if (claimed) {
                    store.release(); // S5
                }
            } finally {
                end(own, hash);
            }
        }
    }

    /** Whether a thread of this process has, or may have, the claim on a hash. */
    boolean isUsed(long hash) {
        Flight flight = flights.get(hash);
        return flight != null && !flight.over;
    }

    private static void requireTime(Store store, long deadline) {
        if (deadline - System.nanoTime() < 0) {
            throw store.timeout();
        }
    }

    private static <T> @Nullable T getAlone(
            Store store, long deadline, Supplier<@Nullable T> look, Supplier<@Nullable T> load) {
        Claims.Answer answer;
        while ((answer = store.claim()) == Claims.Answer.ANOTHERS) { // S2
            uninterrupted(store::await);
            T value = look.get();
            if (value != null) {
                return value;
            }
            requireTime(store, deadline);
        }
        try {
            T value = look.get(); // S3
            return value != null ? value : load.get(); // S4
        } finally {
            if (answer == Claims.Answer.MINE) {
                store.release(); // S5
            }
        }
    }

    private interface Pause {
        void end() throws InterruptedException;
    }

    /** An interrupt does not end the wait, and is handed on to whoever can be interrupted. */
    private static void uninterrupted(Pause pause) {
        boolean interrupted = Thread.interrupted();
        try {
            pause.end();
        } catch (InterruptedException _) {
            interrupted = true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
