package dev.cairn.kafka;

import dev.cairn.Cairn;
import dev.cairn.CairnException;
import dev.cairn.CairnStore;
import dev.cairn.CorruptStore;
import dev.cairn.IncompatibleFormat;
import dev.cairn.Options;
import dev.cairn.StoreClosed;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.errors.ProcessorStateException;
import org.apache.kafka.streams.processor.BatchingStateRestoreCallback;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.query.Position;
import org.apache.kafka.streams.query.PositionBound;
import org.apache.kafka.streams.query.Query;
import org.apache.kafka.streams.query.QueryConfig;
import org.apache.kafka.streams.query.QueryResult;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.TimestampedKeyValueStore;
import org.apache.kafka.streams.state.TimestampedKeyValueStoreWithHeaders;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/*
 * What is promised
 *           After any stop, the entries are those of the changelog up to the committed offset, and
 *           what is replayed from there on is exactly what was written after it.
 * Why it holds
 *           commit() puts the offsets into the store and then makes a checkpoint. Both happen on the
 *           one thread that writes to a task's store, so no entry that the offsets do not cover comes
 *           between. A store of a task is opened with rollback: only what a checkpoint holds survives
 *           a close, a kill or a power loss, and only commit() makes checkpoints.
 *           Kafka commits the transaction first, then the store. So the offsets never run ahead of the
 *           changelog, and no checkpoint holds records of an aborted transaction. If Kafka does not
 *           tell a store of a commit, {@link ThreadCommits} finds it.
 *           Under at-least-once the same holds without transactions.
 *           A global store has no transaction: its records are put again as they are. It keeps what
 *           was written, since other processes may be reading it.
 * If the process dies in commit()
 *           Before the checkpoint is durable, the store has the offsets and entries of the last
 *           checkpoint; afterwards, those of this one.
 */
/** A key-value store of Kafka Streams: one Cairn store in the directory of its task. */
class CairnKeyValueStore implements KeyValueStore<Bytes, byte[]> {
    static final String DIRECTORY = "cairn";
    static final String FILE = "store.cairn";

    private static final System.Logger LOG = System.getLogger("dev.cairn");

    private final String name;
    private final ValueFormat format;
    private final Options options;
    private final Position position = Position.emptyPosition();
    private final Map<TopicPartition, Long> offsets = new HashMap<>();
    private @Nullable StateStoreContext context;
    private @Nullable ThreadCommits commits;
    private @Nullable TopicPartition changelog;
    private volatile @Nullable CairnStore store;

    /** Whether bytes were found that Cairn did not write. Then nothing of the store is kept. */
    private volatile boolean damaged;

    CairnKeyValueStore(String name, ValueFormat format, Options options) {
        this.name = name;
        this.format = format;
        this.options = options;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void init(StateStoreContext context, StateStore root) {
        requireFitting(root);
        this.context = context;
        commits = new ThreadCommits(context, options.checkpointEvery());
        if (!isOpen()) {
            open(context);
        }
        context.register(root, (BatchingStateRestoreCallback) this::restoreAll);
    }

    /**
     * Requires that the store fits what reads it: a restore puts a timestamp before each value of a
     * marked store, whatever reads the value afterwards.
     */
    private void requireFitting(StateStore root) {
        boolean readsPlain =
                root instanceof KeyValueStore
                        && !(root instanceof CairnKeyValueStore)
                        && !(root instanceof TimestampedKeyValueStore)
                        && !(root instanceof TimestampedKeyValueStoreWithHeaders);
        if (readsPlain && format != ValueFormat.PLAIN) {
            throw new IllegalArgumentException(
                    "Store "
                            + name
                            + " keeps a timestamp with each value, but was built by"
                            + " Stores.keyValueStoreBuilder; build it by"
                            + " Stores.timestampedKeyValueStoreBuilder, or give that builder"
                            + " CairnStores.plainKeyValueStore");
        }
    }

    private Path directory(StateStoreContext of) {
        return of.stateDir().toPath().resolve(DIRECTORY).resolve(name);
    }

    private synchronized void open(StateStoreContext context) {
        Path directory = directory(context);
        boolean isGlobal = context.taskId().partition() < 0;
        Options with = isGlobal ? options.withManualCheckpoints() : options.withRollback();
        try {
            Files.createDirectories(directory);
            try {
                openIn(directory, with);
            } catch (CorruptStore | IncompatibleFormat | IOException e) {
                empty(directory, e.toString());
                openIn(directory, with);
            }
        } catch (IOException | CairnException e) {
            throw new ProcessorStateException(
                    "Store " + name + " cannot be opened in " + directory, e);
        }
    }

    /**
     * @throws IOException if the store's own entry is not what this class writes, or if the store's
     *     values have another format
     */
    private void openIn(Path directory, Options with) throws IOException {
        CairnStore opened = Cairn.open(directory.resolve(FILE), with);
        boolean isKnown = false;
        try {
            offsets.clear();
            byte[] known = opened.get(StoredKeys.own());
            if (known != null) {
                Committed committed = Committed.decode(known);
                if (committed.format() != format) {
                    throw new IOException(
                            "the values of the store have format %s, expected %s"
                                    .formatted(committed.format(), format));
                }
                offsets.putAll(committed.offsets());
                synchronized (position) {
                    position.merge(committed.position());
                }
            } else if (opened.size() > 0) {
                throw new IOException("the store has entries that no commit covers");
            }
            isKnown = true;
            damaged = false;
            store = opened;
        } finally {
            if (!isKnown) {
                opened.close();
            }
        }
    }

    private void empty(Path directory, String why) throws IOException {
        LOG.log(
                System.Logger.Level.WARNING,
                "{0}: the store is emptied and restored from its changelog, because of: {1}",
                directory.resolve(FILE),
                why);
        Utils.delete(directory.toFile());
        Files.createDirectories(directory);
    }

    private void restoreAll(Collection<KeyValue<byte[], byte[]>> records) {
        Map<Bytes, byte @Nullable []> last = new LinkedHashMap<>();
        records.forEach(each -> last.put(Bytes.wrap(each.key), each.value));
        write(last);
    }

    @Override
    public boolean persistent() {
        return true;
    }

    @Override
    public boolean isOpen() {
        return store != null;
    }

    private CairnStore requireOpen() {
        CairnStore open = store;
        if (open == null) {
            throw new InvalidStateStoreException("Store " + name + " is currently closed");
        }
        return open;
    }

    /** The exception that Kafka Streams gets when Cairn failed. */
    private RuntimeException failure(CairnException e) {
        if (e instanceof StoreClosed) {
            return new InvalidStateStoreException("Store " + name + " was closed", e);
        }
        if (e instanceof CorruptStore) {
            damaged = true;
        }
        return new ProcessorStateException("Store " + name + ": " + e.getMessage(), e);
    }

    @Override
    public byte @Nullable [] get(Bytes key) {
        byte[] bytes = bytes(key);
        try {
            return requireOpen().get(StoredKeys.of(bytes));
        } catch (CairnException e) {
            throw failure(e);
        }
    }

    private static byte[] bytes(Bytes key) {
        return Objects.requireNonNull(key, "key cannot be null").get();
    }

    @Override
    public void put(Bytes key, byte @Nullable [] value) {
        byte[] bytes = bytes(key);
        keepWhatIsCommitted();
        try {
            put(requireOpen(), bytes, value);
        } catch (CairnException e) {
            throw failure(e);
        }
        notePosition();
    }

    private static void put(CairnStore to, byte[] key, byte @Nullable [] value) {
        byte[] stored = StoredKeys.of(key);
        long _ = value == null ? to.remove(stored) : to.put(stored, value);
    }

    /**
     * Keeps the last commit, if there was one. It is called before a write, which belongs to the
     * next transaction.
     */
    private void keepWhatIsCommitted() {
        if (commits != null && changelog != null) {
            Long offset = commits.committedUpTo(changelog);
            if (offset != null) {
                commit(Map.of(changelog, offset));
            }
        }
    }

    /** Notes that the store now holds the record that is being processed. */
    private void notePosition() {
        RecordMetadata record = context == null ? null : context.recordMetadata().orElse(null);
        if (record != null && record.topic() != null) {
            synchronized (position) {
                position.withComponent(record.topic(), record.partition(), record.offset());
            }
        }
    }

    @Override
    public byte @Nullable [] putIfAbsent(Bytes key, byte @Nullable [] value) {
        byte[] before = get(key);
        if (before == null && value != null) {
            put(key, value);
        }
        return before;
    }

    @Override
    public void putAll(List<KeyValue<Bytes, byte[]>> entries) {
        Map<Bytes, byte @Nullable []> last = new LinkedHashMap<>();
        entries.forEach(each ->
                last.put(Objects.requireNonNull(each.key, "key cannot be null"), each.value));
        keepWhatIsCommitted();
        write(last);
        notePosition();
    }

    private void write(Map<Bytes, byte @Nullable []> last) {
        CairnStore to = requireOpen();
        List<Map.Entry<byte[], byte[]>> present = new ArrayList<>(last.size());
        try {
            last.forEach((key, value) -> {
                if (value == null) {
                    put(to, key.get(), null);
                } else {
                    present.add(Map.entry(StoredKeys.of(key.get()), value));
                }
            });
            to.putAll(present);
        } catch (CairnException e) {
            throw failure(e);
        }
    }

    @Override
    public byte @Nullable [] delete(Bytes key) {
        byte[] before = get(key);
        put(key, null);
        return before;
    }

    @Override
    public KeyValueIterator<Bytes, byte[]> range(@Nullable Bytes from, @Nullable Bytes to) {
        return scan(between(from, to), Arrays::compareUnsigned);
    }

    @Override
    public KeyValueIterator<Bytes, byte[]> reverseRange(@Nullable Bytes from, @Nullable Bytes to) {
        return scan(between(from, to), (one, other) -> Arrays.compareUnsigned(other, one));
    }

    private static Predicate<byte[]> between(@Nullable Bytes from, @Nullable Bytes to) {
        return key ->
                (from == null || Arrays.compareUnsigned(key, from.get()) >= 0)
                        && (to == null || Arrays.compareUnsigned(key, to.get()) <= 0);
    }

    @Override
    public KeyValueIterator<Bytes, byte[]> all() {
        return range(null, null);
    }

    @Override
    public KeyValueIterator<Bytes, byte[]> reverseAll() {
        return reverseRange(null, null);
    }

    @Override
    public <S extends Serializer<P>, P> KeyValueIterator<Bytes, byte[]> prefixScan(
            P prefix, S serializer) {
        Objects.requireNonNull(prefix, "prefix cannot be null");
        Objects.requireNonNull(serializer, "serializer cannot be null");
        byte[] begin = serializer.serialize("", prefix);
        return scan(
                key ->
                        key.length >= begin.length
                                && Arrays.equals(key, 0, begin.length, begin, 0, begin.length),
                Arrays::compareUnsigned);
    }

    /**
     * Scans in sorted order, even if the caller promises no order: a cache in front of the store
     * merges its own entries with these by order.
     */
    private KeyValueIterator<Bytes, byte[]> scan(
            Predicate<byte[]> wanted, Comparator<byte[]> order) {
        CairnStore from = requireOpen();
        List<byte[]> keys = new ArrayList<>();
        try {
            from.forEach((stored, _) -> {
                byte[] key = StoredKeys.toApplication(stored);
                if (key != null && wanted.test(key)) {
                    keys.add(key);
                }
            });
        } catch (CairnException e) {
            throw failure(e);
        }
        keys.sort(order);
        return new SortedScan(keys, some -> values(from, some));
    }

    private List<byte @Nullable []> values(CairnStore from, List<byte[]> keys) {
        try {
            return from.getAll(keys.stream().map(StoredKeys::of).toList());
        } catch (CairnException e) {
            throw failure(e);
        }
    }

    @Override
    public long approximateNumEntries() {
        CairnStore of = requireOpen();
        try {
            return of.size() - (of.containsKey(StoredKeys.own()) ? 1 : 0);
        } catch (CairnException e) {
            throw failure(e);
        }
    }

    @Override
    public synchronized void commit(Map<TopicPartition, Long> changelogOffsets) {
        CairnStore to = requireOpen();
        if (changelogOffsets.isEmpty()) {
            offsets.clear();
        }
        changelogOffsets.forEach((partition, offset) -> {
            if (offset == null) {
                offsets.remove(partition);
            } else {
                offsets.put(partition, offset);
            }
        });
        byte[] encoded;
        synchronized (position) {
            encoded = new Committed(format, offsets, position).encode();
        }
        try {
            if (!Arrays.equals(encoded, to.get(StoredKeys.own()))) {
                long _ = to.put(StoredKeys.own(), encoded);
            }
            long _ = to.checkpoint();
        } catch (CairnException e) {
            throw failure(e);
        }
    }

    @Override
    public synchronized @Nullable Long committedOffset(TopicPartition partition) {
        CairnStore _ = requireOpen();
        // if a table is restored from the topic that it is read from, it has no changelog of its
        // own
        changelog = partition.topic().endsWith("-" + name + "-changelog") ? partition : null;
        return offsets.get(partition);
    }

    @Override
    @SuppressWarnings("deprecation") // a later version of Kafka takes it for granted
    public boolean managesOffsets() {
        return true;
    }

    @Override
    public Position getPosition() {
        synchronized (position) {
            return position.copy();
        }
    }

    @Override
    public <R> QueryResult<R> query(Query<R> query, PositionBound bound, QueryConfig config) {
        int partition = context == null ? -1 : context.taskId().partition();
        synchronized (position) {
            return BasicQueries.answer(this, query, bound, config, position, partition);
        }
    }

    @Override
    public synchronized void close() {
        CairnStore closing = store;
        if (closing == null) {
            return;
        }
        store = null;
        try {
            closing.close();
        } catch (CairnException e) {
            throw failure(e);
        } finally {
            if (damaged) {
                discard(Objects.requireNonNull(context));
            }
        }
    }

    /** Discards the files, so that the next start restores the store from its changelog. */
    private void discard(StateStoreContext of) {
        Path directory = directory(of);
        try {
            empty(directory, "the store is damaged");
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    directory + ": the damaged store could not be deleted",
                    e);
        }
    }
}
