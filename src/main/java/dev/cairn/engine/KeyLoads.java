package dev.cairn.engine;

import dev.cairn.lock.Claims;

import org.jspecify.annotations.Nullable;

import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** The loads of a store's keys: of all threads of all processes, one at a time loads a key. */
public final class KeyLoads {
    private final StoreHandle store;
    private final Engine engine;

    KeyLoads(StoreHandle store, Engine engine) {
        this.store = store;
        this.engine = engine;
    }

    /**
     * Returns the value of a key, and loads it if it is absent; see {@link SingleFlight#get}.
     *
     * @param timeoutNanos how long to wait while others load it
     * @param seen the version of the key when it was last looked up and found absent
     */
    public <T> @Nullable T load(
            byte[] key,
            long timeoutNanos,
            LongSupplier seen,
            Supplier<@Nullable T> look,
            Supplier<@Nullable T> load) {
        store.requireWritable();
        long hash = store.hash(key);
        KeyLoad of = new KeyLoad(store, this, key, hash, seen, timeoutNanos);
        return engine.singleFlight().get(of, hash, timeoutNanos, look, load);
    }

    /**
     * Begins a load, or other work on a key, unless another thread is at it. It waits for nobody,
     * so one thread may begin many.
     *
     * @return null if a thread of this or another process is at it; otherwise this thread must
     *     close the result
     */
    public @Nullable Begun tryBegin(byte[] key, long timeoutNanos) {
        store.requireWritable();
        long hash = store.hash(key);
        KeyLoad of = new KeyLoad(store, this, key, hash, () -> 0, timeoutNanos);
        return engine.singleFlight().tryBegin(of, hash);
    }

    /** Work on a key that nobody else can begin before it is closed. */
    public interface Begun extends AutoCloseable {
        /**
         * Whether other processes are kept from it, too. They are not if there are too many claims
         * at once.
         */
        boolean isClaimed();

        /** Lets others begin. It throws nothing if the store was closed meanwhile. */
        @Override
        void close();
    }

    Claims.Result claim(long hash) {
        return store.guarded(() -> engine.claims().claim(hash));
    }

    OptionalLong claimant(long hash) {
        return store.guarded(() -> engine.claims().holder(hash));
    }

    /**
     * Releases the claim even if the handle is closed: other handles may have the engine open, and
     * wait for the claim.
     */
    void release(long hash) {
        try {
            engine.claims().release(hash);
        } catch (IllegalStateException e) {
            if (!engine.closed()) {
                throw e;
            }
        }
    }
}
