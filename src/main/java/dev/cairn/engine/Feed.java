package dev.cairn.engine;

import dev.cairn.Change;
import dev.cairn.StoreClosed;
import dev.cairn.format.RecordLayout;
import dev.cairn.index.Mapped;
import dev.cairn.log.Chain;
import dev.cairn.log.Follower;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Stripe;
import dev.cairn.stripe.Stripes;
import dev.cairn.stripe.Waiters;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A change feed: it asks the followers of all stripes in turn. It keeps only what one of them
 * reports at a time, so a stripe with writes without a pause does not keep the others waiting.
 */
final class Feed implements Waiting.Awaited<Change<byte[]>> {
    /** Long enough to take over a dead writer's lock, but not to wait for a live one. */
    private static final long REPAIR_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final Path path;
    private final SharedMemory shared;
    private final Reader reader;
    private final Waiters waiters;
    private final @Nullable Stripes stripes;
    private final @Nullable Feeds feeds;
    private final Follower[] followers;
    private final Queue<Change<byte[]>> told = new ArrayDeque<>();
    private int turn;
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * @param stripes null in a read-only process
     *
     * @param feeds null in a snapshot
     */
    Feed(Mapped mapped, @Nullable Stripes stripes, @Nullable Feeds feeds, Reader reader) {
        this.feeds = feeds;
        this.path = mapped.data().path();
        this.shared = mapped.shared();
        this.reader = reader;
        this.waiters = new Waiters(shared);
        this.stripes = stripes;
        this.followers = new Follower[shared.stripes()];
        if (feeds != null) {
            feeds.opened();
        }
        try {
            Arrays.setAll(
                    followers,
                    stripe -> new Follower(mapped.data(), shared.stripe(stripe), stripe));
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    void close() {
        if (!closed.getAndSet(true) && feeds != null) {
            feeds.closed();
        }
    }

    void requireOpen() {
        if (closed.get()) {
            throw new StoreClosed(path);
        }
    }

    @Override
    public @Nullable Change<byte[]> look() {
        for (int looks = 0; told.isEmpty() && looks < followers.length; looks++) {
            int stripe = turn;
            turn = (turn + 1) % followers.length;
            boolean _ = followers[stripe].read(new StripeSink(stripe));
        }
        reader.requireCurrent();
        return told.poll();
    }

    /** The changes of one stripe. */
    private final class StripeSink implements Follower.Sink {
        private final int stripe;

        StripeSink(int stripe) {
            this.stripe = stripe;
        }

        @Override
        public void record(Chain.Entry entry) {
            told.add(
                    entry.kind() == RecordLayout.PUT
                            ? new Change.Put<>(entry.key(), entry.version(), stripe)
                            : new Change.Removed<>(entry.key(), entry.version(), stripe));
        }

        @Override
        public void lost() {
            told.add(new Change.Lagged<>(stripe));
        }
    }

    @Override
    public long patienceNanos() {
        return Long.MAX_VALUE;
    }

    @Override
    public boolean stirred() {
        for (Follower follower : followers) {
            if (follower.stirred()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public int ask() {
        return waiters.askAll();
    }

    @Override
    public boolean sleep(int asked, long nanos) {
        return waiters.sleepForAll(asked, nanos);
    }

    /**
     * Repairs what a dead writer left. Its last change may be in the index, and so be visible to
     * reads, but not below the tail yet, and no other process may ever use the stripe.
     */
    @Override
    public void idle() {
        if (stripes == null) {
            return;
        }
        for (Stripe stripe : stripes) {
            if (stripe.words().pending()) {
                stripe.tryRepair(REPAIR_NANOS);
            }
        }
    }
}
