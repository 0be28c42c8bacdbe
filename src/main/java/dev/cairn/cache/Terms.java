package dev.cairn.cache;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * How long a cache keeps what, and who loads again.
 *
 * @param expireAfterWrite null for the store's default
 * @param refreshAfterWrite null if nothing is loaded again in the background
 * @param negativeTimeToLive null if absence is not remembered
 * @param loadTimeout how long to wait for what others load
 */
public record Terms(
        @Nullable Duration expireAfterWrite,
        @Nullable Duration refreshAfterWrite,
        @Nullable Duration negativeTimeToLive,
        Duration loadTimeout,
        Executor refreshExecutor) {
    public static final Terms DEFAULTS =
            new Terms(null, null, null, Duration.ofMinutes(1), Thread::startVirtualThread);

    public Terms expiringAfter(Duration time) {
        return new Terms(time, refreshAfterWrite, negativeTimeToLive, loadTimeout, refreshExecutor);
    }

    public Terms refreshingAfter(Duration age) {
        return new Terms(expireAfterWrite, age, negativeTimeToLive, loadTimeout, refreshExecutor);
    }

    public Terms rememberingAbsence(Duration time) {
        return new Terms(expireAfterWrite, refreshAfterWrite, time, loadTimeout, refreshExecutor);
    }

    public Terms waitingFor(Duration time) {
        return new Terms(
                expireAfterWrite, refreshAfterWrite, negativeTimeToLive, time, refreshExecutor);
    }

    public Terms refreshingOn(Executor executor) {
        return new Terms(
                expireAfterWrite, refreshAfterWrite, negativeTimeToLive, loadTimeout, executor);
    }
}
