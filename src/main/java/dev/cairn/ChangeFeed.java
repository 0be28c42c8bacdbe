package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * The changes of a store's entries, made by any process, from when the feed was opened.
 *
 * <p>Each change that a feed tells was made; of each stripe they come in the order in which they were
 * made, so the versions that it tells of a key grow. Of changes of one key between two looks a feed may
 * tell the last only, but that always: a consumer that reads each key it is told of knows the newest
 * state, or is told by {@link Change.Lagged} that it does not. For one thread at a time. Nobody waits for
 * a feed, and it keeps no space from being used again.
 *
 * <p>While a feed is open, the store's writers overwrite no entry in place, so that the feed misses
 * nothing. Until all of them know that it is open, it gets a {@link Change.Lagged} for each stripe in
 * which they do: once just after it was opened or, in a process that may only read, for about a second.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="watch"}
 *
 * @param <K> the keys of whatever is watched
 */
public interface ChangeFeed<K> extends AutoCloseable {
    /**
     * The next change; waits for one if there is none.
     *
     * @param timeout how long to wait, zero not at all
     * @return null if the time passed without one
     * @throws InterruptedException if the thread is interrupted while it waits
     * @throws StoreClosed if the feed or the store was closed, meanwhile perhaps
     */
    @Nullable Change<K> poll(Duration timeout) throws InterruptedException;

    /** Ends it; a thread that waits in {@link #poll} gets a {@link StoreClosed}. */
    @Override
    void close();
}
