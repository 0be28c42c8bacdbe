package dev.cairn.cache;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * How long a cache keeps entries, how long it waits for loads, and which executor reloads entries.
 *
 * @param expireAfterWrite null for the store's default
 * @param refreshAfterWrite null for no reload in the background
 * @param negativeTimeToLive null if absence is not remembered
 * @param loadTimeout how long to wait for the loads of others
 * @param refreshExecutor runs the loads in the background
 */
public record CacheSettings(
        @Nullable Duration expireAfterWrite,
        @Nullable Duration refreshAfterWrite,
        @Nullable Duration negativeTimeToLive,
        Duration loadTimeout,
        Executor refreshExecutor) {
    public static final CacheSettings DEFAULTS =
            new CacheSettings(null, null, null, Duration.ofMinutes(1), Thread::startVirtualThread);

    public CacheSettings expiringAfter(Duration time) {
        return new CacheSettings(
                time, refreshAfterWrite, negativeTimeToLive, loadTimeout, refreshExecutor);
    }

    public CacheSettings refreshingAfter(Duration age) {
        return new CacheSettings(
                expireAfterWrite, age, negativeTimeToLive, loadTimeout, refreshExecutor);
    }

    public CacheSettings rememberingAbsence(Duration time) {
        return new CacheSettings(
                expireAfterWrite, refreshAfterWrite, time, loadTimeout, refreshExecutor);
    }

    public CacheSettings waitingFor(Duration time) {
        return new CacheSettings(
                expireAfterWrite, refreshAfterWrite, negativeTimeToLive, time, refreshExecutor);
    }

    public CacheSettings refreshingOn(Executor executor) {
        return new CacheSettings(
                expireAfterWrite, refreshAfterWrite, negativeTimeToLive, loadTimeout, executor);
    }
}
