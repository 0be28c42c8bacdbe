package dev.cairn.engine;

import dev.cairn.LockTimeout;
import dev.cairn.lock.Claims;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * What {@link SingleFlight} needs of a store to load one key.
 *
 * @param hash the hash of the key
 * @param seen the version of the key when it was last looked up and found absent
 * @param timeoutNanos how long a thread that wants the key waits for the load of another one
 */
@SuppressWarnings("ArrayRecordComponent") // passed on, never compared
record KeyLoad(
        StoreHandle store,
        KeyLoads loads,
        byte[] key,
        long hash,
        LongSupplier seen,
        long timeoutNanos)
        implements SingleFlight.Store {
    /**
     * How often a thread that waits for another process to load a key checks whether that process
     * is alive.
     */
    private static final Duration BRIEFLY = Duration.ofMillis(3);

    @Override
    public Claims.Result claim() {
        return loads.claim(hash);
    }

    @Override
    public void release() {
        loads.release(hash);
    }

    @Override
    public void await() throws InterruptedException {
        long _ = store.awaitChange(key, seen.getAsLong(), BRIEFLY);
    }

    @Override
    public LockTimeout timeout() {
        return new LockTimeout(
                store.path(),
                "the load of a key by another thread or process",
                loads.claimant(hash),
                Duration.ofNanos(timeoutNanos),
                "another thread or process is loading the key, and did not finish"
                        + " within the timeout; see loadTimeout of MapBuilder and CacheBuilder");
    }
}
