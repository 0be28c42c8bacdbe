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
 * Steps     S1 one flight per key in this process; if there is another's: wait for its end, look, S1
 *           S2 the claim on the key's hash; while a live process has it: wait for a change, look, S2
 *           S3 look: the former holder of the claim may have written the key
 *           S4 load and write, without any lock      S5 release the claim, end the flight
 * Why it is safe
 *           A thread that reaches S4 saw the key absent while it had the claim, and writes before it
 *           releases the claim: of all that want an absent key one loads it. Other writers of the key
 *           are not kept from writing; S4's write then finds the key present.
 * What is benign
 *           Two keys with one hash of 64 bits are taken for one another: they are loaded one after the
 *           other, and if the loader of one asks for the other, it is refused. If more than some 1,700
 *           loads run at once, there may be no room for a claim: then each process makes its own load.
 *           An error may leave a flight in the map and a claim in shared memory, if there is no stack to
 *           release them. The end of the flight is a plain store, which needs no stack: the next thread
 *           that finds the flight over removes it, and the maintenance thread releases a claim whose hash has no
 *           flight.
 * If a process dies here
 *           Its claim is that of a dead process, and the first to ask after its death goes on to S3.
 *           Those who wait ask every few milliseconds.
 */
/** Ensures that of all processes one thread loads a key, while the others wait for it. */
final class SingleFlight {
    /**
     * How often a thread that waits for another of its process checks whether the store is open.
     */
    private static final long LOCAL_PAUSE_MILLIS = 50;

    /** The flights, by the hash of the key, as claims are. */
    private final ConcurrentMap<Long, Flight> flights = new ConcurrentHashMap<>();

    private static final class Flight {
        final Thread thread = Thread.currentThread();
        final CountDownLatch ended = new CountDownLatch(1);
        volatile boolean over;
    }

    /** What a flight needs of the store, for its key. */
    interface Store {
        Claims.Result claim();

        /** Releases the claim. It throws nothing if the store was closed meanwhile. */
        void release();

        /** Waits a few milliseconds at most for the key to be written. */
        void await() throws InterruptedException;

        LockTimeout timeout();
    }

    /**
     * Returns the value of a key, and loads it if it is absent.
     *
     * @param timeoutNanos how long to wait while others load it
     * @param look returns the present value, or null if there is none; throws if the store is
     *     closed
     * @param load loads and writes the value; returns null if there is none
     * @throws IllegalStateException if the load asks for the same key again
     * @throws LockTimeout if the others do not finish in time
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

    /**
     * The value that another thread of this process has loaded; it waits some milliseconds at most.
     */
    private <T> @Nullable T awaited(Flight other, long hash, Supplier<@Nullable T> look) {
        if (other.over) {
            flights.remove(hash, other);
        } else if (other.thread == Thread.currentThread()) {
            throw new IllegalStateException("the loader of a key asked for the same key");
        } else {
            uninterrupted(() -> {
                boolean _ = other.ended.await(LOCAL_PAUSE_MILLIS, TimeUnit.MILLISECONDS);
            });
        }
        return look.get();
    }

    /**
     * Begins work on a hash, unless a thread of any process is at it; waits for nobody.
     *
     * @return null if a thread is at it
     */
    KeyLoads.@Nullable Begun tryBegin(Store store, long hash) {
        Flight own = new Flight();
        Flight other = flights.putIfAbsent(hash, own); // S1
        if (other != null && (!other.over || !flights.replace(hash, other, own))) {
            return null;
        }
        Claims.Result answer = Claims.Result.ANOTHERS;
        try {
            answer = store.claim(); // S2
        } finally {
            if (answer == Claims.Result.ANOTHERS) {
                end(own, hash);
            }
        }
        return answer == Claims.Result.ANOTHERS
                ? null
                : new Work(store, hash, own, answer == Claims.Result.MINE);
    }

    private void end(Flight own, long hash) {
        own.over = true; // first, and no call: after an error there may be no stack for one
        flights.remove(hash, own);
        own.ended.countDown();
    }

    /** Work that {@link #tryBegin} began. */
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
        Claims.Result answer;
        while ((answer = store.claim()) == Claims.Result.ANOTHERS) { // S2
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
            if (answer == Claims.Result.MINE) {
                store.release(); // S5
            }
        }
    }

    private interface Pause {
        void end() throws InterruptedException;
    }

    /** Waits without regard to an interrupt, and restores it for code that can be interrupted. */
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
