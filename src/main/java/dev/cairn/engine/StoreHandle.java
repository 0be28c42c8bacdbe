package dev.cairn.engine;

import dev.cairn.CairnStore;
import dev.cairn.Change;
import dev.cairn.ChangeFeed;
import dev.cairn.CheckpointFailed;
import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.StoreClosed;
import dev.cairn.Verification;
import dev.cairn.Versioned;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * What a user holds of an engine that others may share. Here errors of the machine become errors that
 * a caller can act on: a mapping that was closed, bytes that led outside it, a page that is gone.
 */
final class StoreHandle implements CairnStore {
    private final Engine engine;
    private final Reader reader;
    private final Options options;
    private final boolean eachWrite;
    private final AtomicBoolean closed = new AtomicBoolean();

    StoreHandle(Engine engine, Options options) {
        this.engine = engine;
        this.reader = engine.reader();
        this.options = options;
        this.eachWrite = options.durability() == Durability.EACH_WRITE && engine.isDurable();
    }

    @Override
    public byte @Nullable [] get(byte[] key) {
        requireOpen();
        try {
            return reader.get(key);
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw meaning(e);
        }
    }

    @Override
    public @Nullable Versioned getVersioned(byte[] key) {
        requireOpen();
        try {
            return reader.getVersioned(key);
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw meaning(e);
        }
    }

    @Override
    public boolean containsKey(byte[] key) {
        requireOpen();
        try {
            return reader.containsKey(key);
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw meaning(e);
        }
    }

    @Override
    public List<byte @Nullable []> getAll(List<byte[]> keys) {
        return guarded(() -> reader.getAll(keys));
    }

    @Override
    public long put(byte[] key, byte[] value) {
        return write(key, value, options.defaultTimeToLive(), Writer.ANY);
    }

    @Override
    public long put(byte[] key, byte[] value, Duration timeToLive) {
        if (!timeToLive.isPositive()) {
            throw new IllegalArgumentException("timeToLive is not positive: " + timeToLive);
        }
        return write(key, value, timeToLive, Writer.ANY);
    }

    @Override
    public boolean putIfAbsent(byte[] key, byte[] value) {
        return write(key, value, options.defaultTimeToLive(), Writer.NOTHING) != 0;
    }

    @Override
    public boolean replace(byte[] key, long version, byte[] value) {
        return write(key, value, options.defaultTimeToLive(), positive(version)) != 0;
    }

    @Override
    public boolean remove(byte[] key) {
        return delete(key, Writer.ANY);
    }

    @Override
    public boolean remove(byte[] key, long version) {
        return delete(key, positive(version));
    }

    private static long positive(long version) {
        if (version <= 0) {
            throw new IllegalArgumentException("no version is " + version + "; they begin at 1");
        }
        return version;
    }

    private long expiry(@Nullable Duration timeToLive) {
        if (timeToLive == null) {
            return 0;
        }
        try {
            return Math.addExact(reader.now(), Math.max(1, timeToLive.toMillis()));
        } catch (ArithmeticException _) {
            return Long.MAX_VALUE;
        }
    }

    private long write(byte[] key, byte[] value, @Nullable Duration timeToLive, long expected) {
        Objects.requireNonNull(value, "value");
        return apply(key, value, timeToLive, expected);
    }

    private boolean delete(byte[] key, long expected) {
        return apply(key, null, null, expected) != 0;
    }

    private long apply(
            byte[] key, byte @Nullable [] value, @Nullable Duration timeToLive, long expected) {
        Objects.requireNonNull(key, "key");
        requireWritable();
        try {
            long version = engine.writer().write(key, value, expiry(timeToLive), expected);
            if (version != 0 && eachWrite) {
                makeDurable();
            }
            return version;
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw meaning(e);
        }
    }

    /** A caller must not take a write that was applied for one that found its stripe locked. */
    private void makeDurable() {
        try {
            long _ = engine.checkpoint();
        } catch (LockTimeout e) {
            throw new CheckpointFailed(
                    path(),
                    "the write is applied, its durability is unknown: " + e.getMessage(),
                    e);
        }
    }

    @Override
    public boolean forEachWhile(BiPredicate<byte[], byte[]> action) {
        return walk(reader::forEachWhile, action);
    }

    @Override
    public void forEachIn(int stripe, BiConsumer<byte[], byte[]> action) {
        int checked = Objects.checkIndex(stripe, engine.stripes());
        boolean _ =
                walk(
                        each -> reader.forEachWhile(checked, each),
                        (key, value) -> {
                            action.accept(key, value);
                            return true;
                        });
    }

    @SuppressWarnings("ReferenceEquality") // the very exception that the action threw
    private boolean walk(
            Predicate<BiPredicate<byte[], byte[]>> walk, BiPredicate<byte[], byte[]> action) {
        AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
        requireOpen();
        try {
            return walk.test((key, value) -> {
                try {
                    return action.test(key, value);
                } catch (RuntimeException | Error e) {
                    thrown.set(e);
                    throw e;
                }
            });
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            if (thrown.get() == e) {
                throw e; // the action's own
            }
            throw meaning(e);
        }
    }

    @Override
    public int stripeOf(byte[] key) {
        return guarded(() -> reader.stripeOf(key));
    }

    @Override
    public long awaitChange(byte[] key, long sinceVersion, Duration timeout)
            throws InterruptedException {
        if (sinceVersion < 0) {
            throw new IllegalArgumentException("no version is " + sinceVersion);
        }
        long nanos = Waiting.nanos(timeout);
        KeyWait change = guarded(() -> engine.keyWait(key.clone(), sinceVersion));
        Long version = await(change, nanos, this::requireOpen);
        return version == null ? sinceVersion : version;
    }

    @Override
    public ChangeFeed<byte[]> watch() {
        Feed feed = guarded(engine::feed);
        return new ChangeFeed<>() {
            @Override
            public @Nullable Change<byte[]> poll(Duration timeout) throws InterruptedException {
                return await(
                        feed,
                        Waiting.nanos(timeout),
                        () -> {
                            feed.requireOpen();
                            requireOpen();
                        });
            }

            @Override
            public void close() {
                feed.close();
            }
        };
    }

    private <T> @Nullable T await(Waiting.Awaited<T> awaited, long nanos, Runnable stillOpen)
            throws InterruptedException {
        stillOpen.run();
        try {
            return engine.waiting().until(awaited, nanos, stillOpen);
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw meaning(e);
        }
    }

    @Override
    public long size() {
        return guarded(reader::size);
    }

    @Override
    public long checkpoint() {
        requireWritable();
        return guarded(engine::checkpoint);
    }

    @Override
    public long backup(Path target) {
        return guarded(() -> engine.backup(target));
    }

    @Override
    public long compact() {
        requireWritable();
        return guarded(engine::compact);
    }

    @Override
    public Stats stats() {
        return guarded(engine::stats);
    }

    @Override
    public Verification verify() {
        return guarded(engine::verify);
    }

    @Override
    public Recovery recovery() {
        requireOpen();
        return engine.recovery();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            OpenStores.release(engine);
        }
    }

    private <T> T guarded(Supplier<T> operation) {
        requireOpen();
        try {
            return operation.get();
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw meaning(e);
        }
    }

    private void requireWritable() {
        requireOpen();
        if (options.readOnly()) {
            throw new UnsupportedOperationException(path() + ": this store was opened read-only");
        }
    }

    private void requireOpen() {
        if (closed.get()) {
            throw new StoreClosed(path());
        }
    }

    /**
     * The cause behind an error of the machine; the error itself if there is none that is ours.
     */
    private RuntimeException meaning(Throwable e) {
        if (engine.closed()) {
            StoreClosed storeClosed = new StoreClosed(path());
            storeClosed.addSuppressed(e);
            return storeClosed;
        }
        if (e instanceof IllegalStateException ours) {
            return ours;
        }
        CorruptStore corrupt =
                new CorruptStore(
                        path(),
                        -1,
                        "places within the files and pages that are there",
                        e + "; was a file cut off?");
        corrupt.addSuppressed(e);
        return corrupt;
    }

    private Path path() {
        return engine.files().data();
    }
}
