package dev.cairn.cache;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * When this process last tried to reload a key, so that not every read of an old entry tries while
 * another thread is at it. Sometimes a key takes the place of another; then the latter is tried
 * more often.
 */
final class Attempts {
    private static final int PLACES = 1024;

    /** The pause while another thread or process loads the key. */
    private static final long PAUSE_MILLIS = 10;

    private static final long PAUSE_AFTER_FAILURE_MILLIS = 1000;

    private final AtomicReferenceArray<@Nullable Attempt> places =
            new AtomicReferenceArray<>(PLACES);

    /**
     * The last attempt for a key.
     *
     * @param untilMillis when the next attempt may be made
     */
    private record Attempt(long hash, long untilMillis) {}

    private static int place(long hash) {
        return (int) (hash & PLACES - 1);
    }

    /** Whether to try now; if several threads ask at once, one of them may. */
    boolean begin(long hash, long nowMillis) {
        int place = place(hash);
        Attempt last = places.get(place);
        if (last != null && last.hash == hash && nowMillis < last.untilMillis) {
            return false;
        }
        return places.compareAndSet(place, last, new Attempt(hash, nowMillis + PAUSE_MILLIS));
    }

    void succeeded(long hash) {
        Attempt last = places.get(place(hash));
        if (last != null && last.hash == hash) {
            boolean _ = places.compareAndSet(place(hash), last, null);
        }
    }

    void failed(long hash, long nowMillis) {
        places.set(place(hash), new Attempt(hash, nowMillis + PAUSE_AFTER_FAILURE_MILLIS));
    }
}
