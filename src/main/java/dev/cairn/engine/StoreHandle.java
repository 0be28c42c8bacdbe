package dev.cairn.engine;

import dev.cairn.CairnStore;
import dev.cairn.Change;
import dev.cairn.ChangeFeed;
import dev.cairn.CheckpointFailed;
import dev.cairn.Durability;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.StoreClosed;
import dev.cairn.Verification;
import dev.cairn.Versioned;
import dev.cairn.log.Records.Copy;
import dev.cairn.shared.CacheCounters;
import dev.cairn.stripe.Stripe;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * A user's handle of an engine that others may share. It turns errors of the machine into errors on
 * which a caller can act: a mapping that was closed, bytes that led outside of it, a page that is
 * gone.
 */
public final class StoreHandle implements CairnStore {
    /** A number of the smallest frames that take more stack than closing a store does. */
    private static final int CLOSING_FRAMES = 1000;

    private final Engine engine;
    private final Reader reader;
    private final Options options;
    private final boolean eachWrite;
    private final Runnable release;
    private final boolean countsReads;
    private final KeyLoads loads;
    private volatile boolean closed;

    /**
     * @param release releases the engine
     */
    StoreHandle(Engine engine, Options options, Runnable release) {
        this.engine = engine;
        this.reader = engine.reader();
        this.options = options;
        this.release = release;
        this.countsReads = engine.countsReads();
        this.loads = new KeyLoads(this, engine);
        this.eachWrite = options.durability() == Durability.EACH_WRITE && engine.isDurable();
    }

    Engine engine() {
        return engine;
    }

    @Override
    public byte @Nullable [] get(byte[] key) {
        requireOpen();
        try {
            byte[] value = reader.get(key);
            countRead(value != null);
            return value;
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw translated(e);
        }
    }

    @Override
    public @Nullable Versioned getVersioned(byte[] key) {
        Versioned entry = guarded(() -> reader.getVersioned(key));
        countRead(entry != null);
        return entry;
    }

    /** Reads the expiry without the value. */
    @Override
    public Optional<Duration> timeLeft(byte[] key) {
        return Optional.ofNullable(guarded(() -> reader.getVersioned(key)))
                .flatMap(Versioned::timeLeft);
    }

    @Override
    public boolean containsKey(byte[] key) {
        return guarded(() -> reader.containsKey(key));
    }

    /** Looks an entry up; see {@link Reader#look}. */
    public @Nullable ConfirmedEntry look(byte[] key, long known) {
        requireOpen();
        try {
            return reader.look(key, known);
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw translated(e);
        }
    }

    @Override
    public long version(byte[] key) {
        return guarded(() -> reader.version(key));
    }

    /** See {@link Reader#unchanged}. */
    public boolean unchanged(int stripe, long table, long slotAt, long slot) {
        requireOpen();
        try {
            return reader.unchanged(stripe, table, slotAt, slot);
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw translated(e);
        }
    }

    /** Whether no key with that hash is present. */
    public boolean absent(long hash) {
        return guarded(() -> reader.absent(hash));
    }

    /** The hash of a key, for {@link #absent}. */
    public long hash(byte[] key) {
        return guarded(() -> reader.hash(key));
    }

    /**
     * Whether an entry with that expiry and heat has expired, or a read must postpone its expiry,
     * as {@link #look} does.
     */
    public boolean expiresSoon(long expires, int heat) {
        return expires != 0
                && guarded(() -> reader.expired(expires) || reader.idleness().isDue(heat, expires));
    }

    /** The entries of some stripes, one by one, then null. */
    public Supplier<@Nullable Copy> scan(int firstStripe, int endStripe) {
        Reader.Scan scan = guarded(() -> reader.scan(firstStripe, endStripe));
        return () -> guarded(scan::next);
    }

    /** The loads of the store's keys. */
    public KeyLoads loads() {
        return loads;
    }

    /** The counters of caches over the store, and of its reads if they are counted. */
    public CacheCounters counters() {
        return engine.counters();
    }

    /** Whether reads outside of caches are counted as well. */
    public boolean countsReads() {
        return countsReads;
    }

    private void countRead(boolean found) {
        if (countsReads) {
            counters().read(found ? 1 : 0, found ? 0 : 1);
        }
    }

    /** Milliseconds since 1970 by the store's clock, which decides about expiry. */
    public long now() {
        return guarded(() -> reader.clock().now());
    }

    /** Whether the store may only be read. */
    public boolean isReadOnly() {
        return options.readOnly();
    }

    @Override
    public int stripes() {
        return guarded(reader::stripes);
    }

    @Override
    public List<byte @Nullable []> getAll(Collection<byte[]> keys) {
        List<byte[]> own = new ArrayList<>(keys);
        own.forEach(key -> Objects.requireNonNull(key, "key"));
        List<byte @Nullable []> values = values(own);
        if (countsReads) {
            long found = values.stream().filter(Objects::nonNull).count();
            counters().read(found, values.size() - found);
        }
        return values;
    }

    /** Returns values as {@link #getAll} does, for a cache that counts the reads itself. */
    public List<byte @Nullable []> values(List<byte[]> keys) {
        return guarded(() -> reader.getAll(keys));
    }

    @Override
    public long get(byte[] key, MemorySegment target) {
        if (target.isReadOnly()) {
            throw new IllegalArgumentException("target is read-only");
        }
        long length = guarded(() -> reader.get(key, target));
        countRead(length >= 0);
        return length;
    }

    @Override
    public <T extends @Nullable Object> @Nullable T read(
            byte[] key, Function<? super MemorySegment, ? extends T> function) {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(function, "function");
        requireOpen();
        ValueSource source = new ValueSource(this, reader, key);
        try {
            T result = engine.views().read(source, function);
            countRead(source.found());
            return result;
        } catch (InternalError e) { // a page that is gone
            throw translated(e);
        }
    }

    @Override
    public long put(byte[] key, byte[] value) {
        return write(key, value, defaultTimeToLive(), Stripe.ANY);
    }

    @Override
    public long put(byte[] key, byte[] value, Duration timeToLive) {
        return write(key, value, timeToLive, Stripe.ANY);
    }

    @Override
    public void putAll(Collection<? extends Map.Entry<byte[], byte[]>> entries) {
        putAll(entries, defaultTimeToLive());
    }

    @Override
    public void putAll(
            Collection<? extends Map.Entry<byte[], byte[]>> entries, Duration timeToLive) {
        requireWritable();
        Lifetime lifetime = lifetime(timeToLive);
        List<Writer.Entry> own = new ArrayList<>(entries.size());
        entries.forEach(entry ->
                own.add(
                        new Writer.Entry(
                                Objects.requireNonNull(entry.getKey(), "key"),
                                Objects.requireNonNull(entry.getValue(), "value"),
                                lifetime)));
        guarded(() -> {
            engine.writer().writeAll(own);
            if (eachWrite && !own.isEmpty()) {
                makeDurable();
            }
            return null;
        });
    }

    @Override
    public long putIfAbsent(byte[] key, byte[] value) {
        return write(key, value, defaultTimeToLive(), Stripe.NOTHING);
    }

    @Override
    public long putIfAbsent(byte[] key, byte[] value, Duration timeToLive) {
        return write(key, value, timeToLive, Stripe.NOTHING);
    }

    @Override
    public long replace(byte[] key, long version, byte[] value) {
        return write(key, value, defaultTimeToLive(), positive(version));
    }

    @Override
    public long replace(byte[] key, long version, byte[] value, Duration timeToLive) {
        return write(key, value, timeToLive, positive(version));
    }

    @Override
    public long remove(byte[] key) {
        return apply(key, null, FOREVER, Stripe.ANY, null);
    }

    @Override
    public long remove(byte[] key, long version) {
        return apply(key, null, FOREVER, positive(version), null);
    }

    private static long positive(long version) {
        if (version <= 0) {
            throw new IllegalArgumentException(
                    "there is no version " + version + "; versions begin at 1");
        }
        return version;
    }

    /**
     * Refuses a time to live that ends before it begins.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public static void requirePositive(Duration timeToLive) {
        if (!timeToLive.isPositive()) {
            throw new IllegalArgumentException("timeToLive is not positive: " + timeToLive);
        }
    }

    /** The default time to live, {@link #FOREVER} if there is none. */
    public Duration defaultTimeToLive() {
        Duration timeToLive = options.defaultTimeToLive();
        return timeToLive == null ? FOREVER : timeToLive;
    }

    private Lifetime lifetime(Duration timeToLive) {
        requirePositive(timeToLive);
        return reader.idleness().lifetime(timeToLive, options.timeToLiveJitter());
    }

    private long write(byte[] key, byte[] value, Duration timeToLive, long expected) {
        Objects.requireNonNull(value, "value");
        return apply(key, value, timeToLive, expected, null);
    }

    /**
     * Writes or removes an entry if the key is in the expected state.
     *
     * @param value the new value; null removes the entry
     * @return what was there, changed or not; null if nothing was
     */
    public @Nullable Copy exchange(
            byte[] key, byte @Nullable [] value, Duration timeToLive, Expected expected) {
        Stripe.PreviousEntry before = new Stripe.PreviousEntry();
        long _ = apply(key, value, timeToLive, expected.version(), before);
        return guarded(() -> engine.reader().sound(key, before.copy()));
    }

    private long apply(
            byte[] key,
            byte @Nullable [] value,
            Duration timeToLive,
            long expected,
            Stripe.@Nullable PreviousEntry before) {
        Objects.requireNonNull(key, "key");
        requireWritable();
        Lifetime lifetime = value == null ? Lifetime.FOREVER : lifetime(timeToLive);
        try {
            long version = engine.writer().write(key, value, lifetime, expected, before);
            if (version != 0 && eachWrite) {
                makeDurable();
            }
            return version;
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw translated(e);
        }
    }

    /**
     * Makes a write durable. A caller must not confuse a write that was applied with one that found
     * its stripe locked.
     */
    private void makeDurable() {
        try {
            long _ = engine.checkpoint();
        } catch (LockTimeout e) {
            throw new CheckpointFailed(
                    path(),
                    "the write is visible, but whether it is durable is unknown: " + e.getMessage(),
                    e);
        }
    }

    @Override
    public boolean forEachWhile(BiPredicate<byte[], byte[]> action) {
        Objects.requireNonNull(action, "action");
        return forEachWhile(scan(0, stripes()), entry -> action.test(entry.key(), entry.value()));
    }

    @Override
    public boolean forEachVersionedWhile(BiPredicate<byte[], Versioned> action) {
        Objects.requireNonNull(action, "action");
        return forEachWhile(
                scan(0, stripes()),
                entry -> action.test(entry.key(), guarded(() -> reader.versioned(entry))));
    }

    @Override
    public void forEachIn(int stripe, BiConsumer<byte[], byte[]> action) {
        int first = Objects.checkIndex(stripe, stripes());
        Objects.requireNonNull(action, "action");
        boolean _ =
                forEachWhile(
                        scan(first, first + 1),
                        entry -> {
                            action.accept(entry.key(), entry.value());
                            return true;
                        });
    }

    private static boolean forEachWhile(Supplier<@Nullable Copy> scan, Predicate<Copy> action) {
        while (true) {
            Copy entry = scan.get();
            if (entry == null) {
                return true;
            }
            if (!action.test(entry)) {
                return false;
            }
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
            throw new IllegalArgumentException("there is no version " + sinceVersion);
        }
        long nanos = Waiting.nanos(timeout);
        Objects.requireNonNull(key, "key");
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
            throw translated(e);
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
    public CompletableFuture<Long> checkpointAsync() {
        requireWritable();
        return guarded(engine::checkpointAsync);
    }

    @Override
    public long backup(Path target) {
        return guarded(() -> engine.backup(target, options));
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

    /**
     * Closes the handle. If there is too little stack, the error comes before anything is released:
     * the caller can close again with more of it.
     */
    @Override
    public void close() {
        int _ = descend(CLOSING_FRAMES);
        engine.views().requireOutside();
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        try {
            release.run();
        } catch (IllegalArgumentException | IndexOutOfBoundsException | InternalError e) {
            throw ErrorTranslation.ofClosing(e, engine);
        }
    }

    private static int descend(int frames) {
        return frames == 0 ? 0 : 1 + descend(frames - 1);
    }

    <T extends @Nullable Object> T guarded(Supplier<T> operation) {
        requireOpen();
        try {
            return operation.get();
        } catch (IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            throw translated(e);
        }
    }

    void requireWritable() {
        requireOpen();
        if (options.readOnly()) {
            throw new UnsupportedOperationException(path() + ": this store was opened read-only");
        }
    }

    /** Throws {@link StoreClosed} if the store is closed. */
    public void requireOpen() {
        if (closed) {
            throw new StoreClosed(path());
        }
    }

    private RuntimeException translated(Throwable e) {
        return ErrorTranslation.of(e, engine);
    }

    @Override
    public Path path() {
        return engine.files().data();
    }

    @Override
    public String toString() {
        return "CairnStore[" + path() + "]";
    }
}
