package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * The changes of a store's entries, made by any process, from when the feed was opened.
 *
 * <p>Each change that a feed tells was made; of each stripe they come in the order in which they were
 * made. Of changes of one key that follow each other fast a feed may tell the last only, but that
 * always: a consumer that reads each key it is told of knows the newest state, or is told by {@link
 * Change.Lagged} that it does not. For one thread at a time. Nobody waits for a feed, and it keeps
 * no space from being used again.
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
