package dev.cairn.bench.peers;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Until it is closed, makes durable once a period what was put. */
final class Syncer implements AutoCloseable {
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    private final Thread thread;

    Syncer(Peer peer, int periodMillis) {
        thread = Thread.ofPlatform().name("syncer").start(() -> run(peer, periodMillis));
    }

    private void run(Peer peer, int periodMillis) {
        try {
            while (!closed.await(periodMillis, TimeUnit.MILLISECONDS)) {
                peer.sync();
            }
        } catch (Exception e) {
            failure.set(e);
        }
    }

    /**
     * @throws IllegalStateException if a sync failed, so that the figures are those of a store
     *     without syncs
     */
    @Override
    public void close() {
        closed.countDown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        if (failure.get() != null) {
            throw new IllegalStateException("a sync failed", failure.get());
        }
    }
}
