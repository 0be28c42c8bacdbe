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
 * A change feed: the followers of all stripes, asked in turn. What one of them tells at a time is all
 * that is kept here, so a stripe that is written to without a pause does not keep the others waiting.
 */
final class Feed implements Waiting.Awaited<Change<byte[]>> {
    /** To take over a dead writer's lock, not to wait for a live one. */
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
     * @param stripes null in a process that only reads
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
            boolean _ = followers[stripe].read(new Told(stripe));
        }
        reader.requireCurrent();
        return told.poll();
    }

    /** Of one stripe. */
    private final class Told implements Follower.Sink {
        private final int stripe;

        Told(int stripe) {
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
     * Repairs what a dead writer left: its last change may be in the index, and so be read, but not
     * below the tail yet, and nobody else may ever come to the stripe.
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
