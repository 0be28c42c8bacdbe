package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * Reports the changes that any process makes to a store's entries after the feed was opened.
 *
 * <p>The feed reports only changes that were made, and those of one stripe in the order in which
 * they were made. So the reported versions of a key grow. If a key changes several times between
 * two polls, the feed may report only the last change, but it always reports that one. So a
 * consumer that reads each reported key knows the newest state, or a {@link Change.Lagged} tells it
 * that it does not.
 *
 * <p>One thread at a time may use a feed. Writers do not wait for a feed, and a feed does not keep
 * space from being reused.
 *
 * <p>While a feed is open, the store's writers overwrite no entry in place, so that the feed misses
 * nothing. A writer may still do so until it knows that the feed is open; the feed then reports a
 * {@link Change.Lagged} for that stripe. This can happen once just after the feed was opened or, in
 * a read-only process, for about a second.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="watch"}
 *
 * @param <K> the type of the keys of the watched store or map
 */
public interface ChangeFeed<K> extends AutoCloseable {
    /**
     * Returns the next change, and waits for one if there is none.
     *
     * @param timeout how long to wait at most; zero means not to wait
     * @return the next change, or null if the timeout has passed
     * @throws InterruptedException if the thread is interrupted while it waits
     * @throws StoreClosed if the feed or the store was closed, possibly during the wait
     */
    @Nullable Change<K> poll(Duration timeout) throws InterruptedException;

    /** Closes the feed. A thread that waits in {@link #poll} gets a {@link StoreClosed}. */
    @Override
    void close();
}
