package dev.cairn.engine;

import dev.cairn.LockTimeout;
import dev.cairn.lock.Claims;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * What {@link SingleFlight} needs of a store to load one key.
 *
 * @param hash the key's
 * @param seen the version that it had when it was last looked up in vain
 * @param timeoutNanos how long whoever wants the key waits for another one's load
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record KeyLoad(
        StoreHandle store,
        KeyLoads loads,
        byte[] key,
        long hash,
        LongSupplier seen,
        long timeoutNanos)
        implements SingleFlight.Store {
    /** Whoever waits for another process to load a key asks that often whether it lives. */
    private static final Duration BRIEFLY = Duration.ofMillis(3);

    @Override
    public Claims.Answer claim() {
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
                "another thread or process loads the key and does not come to an end; see"
                        + " loadTimeout of MapBuilder and CacheBuilder");
    }
}
