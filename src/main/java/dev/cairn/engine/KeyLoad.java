package dev.cairn.engine;

import dev.cairn.LockTimeout;
import dev.cairn.lock.Claims;

import java.time.Duration;

/**
 * What {@link SingleFlight} needs of a store to load one key.
 *
 * @param hash the key's
 * @param timeoutNanos how long whoever wants the key waits for another one's load
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record KeyLoad(StoreHandle store, byte[] key, long hash, long timeoutNanos)
        implements SingleFlight.Store {
    /** Whoever waits for another process to load a key asks that often whether it lives. */
    private static final Duration BRIEFLY = Duration.ofMillis(3);

    @Override
    public Claims.Answer claim() {
        return store.claim(hash);
    }

    @Override
    public void release() {
        store.releaseClaim(hash);
    }

    @Override
    public void await() throws InterruptedException {
        long _ = store.awaitChange(key, 0, BRIEFLY);
    }

    @Override
    public LockTimeout timeout() {
        return new LockTimeout(
                store.path(),
                "the load of a key by another thread or process",
                store.claimant(hash),
                Duration.ofNanos(timeoutNanos),
                "another thread or process loads the key and does not come to an end; see"
                        + " MapBuilder.loadTimeout");
    }
}
