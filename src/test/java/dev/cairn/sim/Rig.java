package dev.cairn.sim;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.Options;
import dev.cairn.StoreFull;
import dev.cairn.Versioned;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ForkJoinPool;

/** A store on a machine, and the map that the store must equal. */
final class Rig implements AutoCloseable {
    private static final int MOST_KEY_BYTES = 1_000;

    private final Path data;
    private final Options options;
    private final Machine machine;
    private final Random random;
    private final Map<ByteBuffer, Versioned> model = new HashMap<>();
    private CairnStore store;
    private boolean open;
    private long hidden;
    private long sequence;
    private byte @Nullable [] pendingKey;
    private byte @Nullable [] pendingValue;
    private boolean pendingFleeting;
    private int full;
    private int refused;
    private int evicted;

    /**
     * What an observer outside the processes of the store knows of it.
     *
     * @param content everything that has returned
     * @param hidden the most expired entries that may be there besides
     * @param key the key of the write that is under way; null if there is none
     * @param value the value that it puts; null if it removes
     * @param fleeting whether the entry is gone as soon as it was put
     */
    record Standing(
            Map<ByteBuffer, Versioned> content,
            long hidden,
            byte @Nullable [] key,
            byte @Nullable [] value,
            boolean fleeting) {}

    private Rig(Path data, Options options, Machine machine, Map<ByteBuffer, Versioned> content) {
        this.data = data;
        this.options = options;
        this.machine = machine;
        this.random = machine.random();
        this.model.putAll(content);
        this.sequence = (long) random.nextInt(1 << 20) << 10;
        machine.turnOn();
        this.store = open(data, options);
        this.open = true;
        machine.unasked(options.eviction() ? this::now : null);
    }

    /**
     * Opens a store in a pool of one thread, so that parallel work is always done in the same
     * order.
     */
    static CairnStore open(Path data, Options options) {
        Throwable[] failure = new Throwable[1];
        try (ForkJoinPool one = new ForkJoinPool(1)) {
            CairnStore opened =
                    one.submit(
                                    () -> {
                                        try {
                                            return Cairn.open(data, options);
                                        } catch (RuntimeException | Error e) {
                                            failure[0] = e;
                                            return null;
                                        }
                                    })
                            .join();
            if (failure[0] instanceof Error error) {
                throw error;
            }
            if (failure[0] instanceof RuntimeException exception) {
                throw exception;
            }
            return opened;
        }
    }

    private static Rig at(Point start, Path data, Options options, Machine machine) {
        machine.durable(start);
        Rig rig = new Rig(data, options, machine, start.content());
        rig.hidden = start.hidden();
        return rig;
    }

    /** Creates a store. */
    static Rig create(Path data, Options options, Random random) {
        Point nothing = new Point(Map.of(), 0, Point.UNKNOWN);
        return at(nothing, data, options, new Machine(data, random));
    }

    /**
     * Opens what a crash left.
     *
     * @param machine the machine on which it lies, with all of it on disk
     * @param point the point at which the store is
     */
    static Rig recover(Path data, Options options, Machine machine, Point point)
            throws IOException {
        machine.begin();
        Point start = new Point(point.content(), point.hidden(), Point.UNKNOWN);
        return at(start, data, options, machine);
    }

    /**
     * Opens what killed processes left. The write that was under way happened as a whole or not at
     * all.
     *
     * @param machine the machine on which their files lie
     */
    static Rig survive(Path data, Options options, Machine machine, Killed killed) {
        Standing standing = killed.standing();
        Rig rig = new Rig(data, options, machine, Map.of());
        Map<ByteBuffer, Versioned> found = Judge.read(rig.store);
        rig.model.putAll(found);
        Map<ByteBuffer, Versioned> other = new HashMap<>(standing.content);
        rig.hidden = standing.hidden + 1;
        if (standing.key != null) {
            ByteBuffer key = ByteBuffer.wrap(standing.key);
            Versioned now = found.remove(key);
            Versioned before = other.remove(key);
            boolean undone = Objects.equals(version(now), version(before));
            boolean done = now == null ? standing.value == null : same(now.value(), standing.value);
            undone |= now == null && options.eviction();
            if (!undone && !done && !standing.fleeting) {
                throw new AssertionError("a write was done by half");
            }
        }
        if (options.eviction() && other.keySet().containsAll(found.keySet())) {
            other.keySet().retainAll(found.keySet());
        }
        if (!versions(found).equals(versions(other))) {
            throw new AssertionError(
                    "a write that returned is lost: %s %s"
                            .formatted(versions(found), versions(other)));
        }
        return rig;
    }

    private static boolean same(byte[] one, byte @Nullable [] other) {
        return other != null && Arrays.equals(one, other);
    }

    private static @Nullable Long version(@Nullable Versioned entry) {
        return entry == null ? null : entry.version();
    }

    private static Map<ByteBuffer, Long> versions(Map<ByteBuffer, Versioned> content) {
        Map<ByteBuffer, Long> versions = new HashMap<>();
        content.forEach((key, entry) -> versions.put(key, entry.version()));
        return versions;
    }

    /** What is known of the store now. */
    Standing standing() {
        return new Standing(Map.copyOf(model), hidden, pendingKey, pendingValue, pendingFleeting);
    }

    Machine machine() {
        return machine;
    }

    CairnStore store() {
        return store;
    }

    Path data() {
        return data;
    }

    Random random() {
        return random;
    }

    /** How many puts a full store refused. */
    int full() {
        return full;
    }

    /** How many writes a failed store refused. */
    int refused() {
        return refused;
    }

    /** How many entries the store evicted, as far as that was noted. */
    int evicted() {
        return evicted;
    }

    /**
     * Notes what was evicted. Any entry of a store that evicts may be gone. No other entry may be
     * there, and none with another value.
     */
    private void noteEvictions() {
        Map<ByteBuffer, Versioned> found = Judge.read(store);
        found.forEach((key, entry) -> {
            Versioned must = model.get(key);
            if (must == null || !isSame(entry, must)) {
                throw new AssertionError(
                        "an entry is there that was removed, has gone, or is what it was before");
            }
        });
        evicted += model.size() - found.size();
        model.keySet().retainAll(found.keySet());
    }

    /** Reads a key, which marks it. */
    void read(int number, int keyBytes) {
        byte[] _ = store.get(Content.key(number, keyBytes));
    }

    /** What the store holds now. */
    Point now() {
        if (options.eviction()) {
            noteEvictions();
        }
        return new Point(model, hidden, Point.UNKNOWN);
    }

    void put(int number, int keyBytes, int valueBytes) {
        put(Content.key(number, keyBytes), valueBytes);
    }

    /** The key in a length that a cache takes, so that it fits into its record. */
    private byte[] fitting(byte[] key) {
        return options.eviction() && key.length > MOST_KEY_BYTES
                ? Arrays.copyOf(key, MOST_KEY_BYTES)
                : key;
    }

    void put(byte[] given, int valueBytes) {
        byte[] key = fitting(given);
        byte[] value = Content.value(key.length, ++sequence, valueBytes);
        pending(key, value, false);
        try {
            wrote(key, value, store.put(key, value));
        } catch (StoreFull _) {
            full++;
        } catch (CheckpointFailed _) {
            refused++;
        }
        pendingKey = null;
    }

    private void pending(byte[] key, byte @Nullable [] value, boolean fleeting) {
        pendingKey = key;
        pendingValue = value;
        pendingFleeting = fleeting;
    }

    /**
     * A put that needs the file to grow. Its thread then fails, for example because its stack ends.
     */
    void putFailing(byte[] given, int valueBytes) {
        byte[] key = fitting(given);
        int[] attempts = {0};
        machine.beforeEachStep(step -> {
            if (step.equals("W2") && ++attempts[0] == 2) {
                throw new StackOverflowError("simulated");
            }
        });
        pending(key, new byte[valueBytes], false);
        try {
            store.put(key, new byte[valueBytes]);
            throw new AssertionError("the file did not grow");
        } catch (StackOverflowError _) {
            machine.beforeEachStep(_ -> {});
        }
        pendingKey = null;
    }

    /**
     * A write whose thread fails when it first reaches the step. The write must be done as a whole
     * or not at all.
     */
    void failAt(String step, Runnable write) {
        boolean[] failed = {false};
        machine.beforeEachStep(reached -> {
            if (reached.equals(step) && !failed[0]) {
                failed[0] = true;
                throw new StackOverflowError("simulated");
            }
        });
        try {
            write.run();
        } catch (StackOverflowError _) {
            model.clear();
            model.putAll(Judge.read(store));
        } finally {
            machine.beforeEachStep(_ -> {});
        }
    }

    /**
     * Plays a next force of the data file that brings nothing to the disk, and whose pages are
     * dropped.
     */
    void loseNextForce() throws IOException {
        machine.fault((cache, from, to) -> {
            if (!machine.isData(cache)) {
                return false;
            }
            cache.lose(from, to);
            throw new IOException("simulated: input/output error");
        });
        if (!checkpointFails()) {
            throw new AssertionError("there was nothing to force");
        }
        machine.fault(null);
        int _ = machine.revert();
    }

    /**
     * Requires that no read returns an outdated entry. At its next checkpoint the store must be
     * what it should be, or say that it is damaged. Returns whether it says that.
     */
    boolean requireEqualOrDamaged() {
        for (var entry : model.entrySet()) {
            try {
                Versioned found = store.getVersioned(entry.getKey().array());
                if (found != null && !isSame(found, entry.getValue())) {
                    throw new AssertionError("a read gives what is no more");
                }
            } catch (CorruptStore _) {
                // It is damaged, and says so.
            }
        }
        try {
            checkpoint();
        } catch (CorruptStore _) {
            machine.attempt(null);
            return true;
        }
        requireEqual();
        return false;
    }

    private static boolean isSame(Versioned one, Versioned other) {
        return one.version() == other.version() && Arrays.equals(one.value(), other.value());
    }

    /** Makes a backup, during which the action runs once. Returns the epoch of what it holds. */
    long backup(Path target, Runnable meanwhile) {
        boolean[] ran = {false};
        machine.beforeEachStep(step -> {
            if (!ran[0] && step.equals("backup")) {
                ran[0] = true;
                meanwhile.run();
            }
        });
        long epoch = store.backup(target);
        machine.beforeEachStep(_ -> {});
        if (!ran[0]) {
            throw new AssertionError("nothing ran during the backup");
        }
        return epoch;
    }

    /** Puts an entry that lives for 500 days. */
    void putLasting(byte[] given, int valueBytes) {
        byte[] key = fitting(given);
        byte[] value = Content.value(key.length, ++sequence, valueBytes);
        pending(key, value, false);
        wrote(key, value, store.put(key, value, Duration.ofDays(500)));
        pendingKey = null;
    }

    /** Puts an entry that is gone when this returns. */
    void putFleeting(byte[] given, int valueBytes) {
        byte[] key = fitting(given);
        byte[] value = Content.value(key.length, ++sequence, valueBytes);
        pending(key, value, true);
        machine.told(store.put(key, value, Duration.ofMillis(1)));
        pendingKey = null;
        model.remove(ByteBuffer.wrap(key));
        hidden++;
        Machine.pass(Duration.ofMillis(2));
    }

    private void wrote(byte[] key, byte[] value, long version) {
        machine.told(version);
        model.put(ByteBuffer.wrap(key), new Versioned(value, version));
    }

    void remove(int number, int keyBytes) {
        remove(Content.key(number, keyBytes));
    }

    void remove(byte[] given) {
        byte[] key = fitting(given);
        pending(key, null, false);
        try {
            boolean was = store.remove(key) != 0;
            boolean knew = model.remove(ByteBuffer.wrap(key)) != null;
            if (was && !knew || !was && knew && !options.eviction()) {
                throw new AssertionError("remove says " + was);
            }
        } catch (StoreFull _) {
            full++;
        } catch (CheckpointFailed _) {
            refused++;
        }
    }

    /**
     * Does a number of puts and removals. Now and then a put is followed by another of the same
     * size.
     */
    void work(int writes) {
        for (int i = 0; i < writes; i++) {
            byte[] key = Content.key(random.nextInt(24), 8);
            if (random.nextInt(4) == 0) {
                remove(key);
            } else {
                int bytes = random.nextInt(8) == 0 ? 9_000 : random.nextInt(900);
                put(key, bytes);
                if (random.nextInt(3) == 0) {
                    put(key, bytes);
                }
            }
        }
    }

    /** Makes a checkpoint, unless the last one has everything. */
    void checkpoint() {
        attempting(() -> store.checkpoint());
    }

    /** Cleans, makes a checkpoint, and punches holes. */
    void compact() {
        attempting(() -> {
            long _ = store.compact();
            return Point.UNKNOWN;
        });
    }

    private interface Attempt {
        long run();
    }

    private void attempting(Attempt attempt) {
        Point point = now();
        machine.attempt(point);
        long epoch = attempt.run();
        machine.attempt(null);
        List<Point> points = machine.points();
        if (points.equals(List.of(point))) {
            point.is(epoch);
        } else if (points.stream().anyMatch(each -> !sameContent(each, point))) {
            throw new AssertionError("a checkpoint returned, and the disk has an older one");
        }
    }

    private static boolean sameContent(Point one, Point other) {
        return one.content().keySet().equals(other.content().keySet())
                && one.content().entrySet().stream()
                        .allMatch(each ->
                                other.content().get(each.getKey()).version()
                                        == each.getValue().version());
    }

    /** Makes a checkpoint that is meant to fail. Returns whether it did. */
    boolean checkpointFails() {
        machine.attempt(now());
        try {
            store.checkpoint();
            return false;
        } catch (CheckpointFailed _) {
            return true;
        } finally {
            machine.attempt(null);
        }
    }

    /** Lets {@code times} forces of the data file fail, after the next {@code after} ones. */
    void failForces(int after, int times) {
        int[] forces = {0};
        machine.fault((cache, from, to) -> {
            if (!machine.isData(cache) || forces[0]++ < after || forces[0] > after + times) {
                return false;
            }
            cache.fail(from, to, random);
            throw new IOException("simulated: input/output error");
        });
    }

    /**
     * Makes a checkpoint that fails if there is anything to force, and then one that does not fail.
     */
    void failCheckpoint(int after, int times) {
        failForces(after, times);
        boolean failed = checkpointFails();
        machine.fault(null);
        if (failed) {
            requireEqual();
        }
        checkpoint();
    }

    void closeStore() {
        if (open) {
            open = false;
            attempting(() -> {
                store.close();
                return Point.UNKNOWN;
            });
            try {
                machine.capture("closed #" + machine.count());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    void openStore() {
        store = open(data, options);
        open = true;
    }

    /** Closes the store while forces may fail. Returns whether none did. */
    boolean tryToClose() {
        open = false;
        machine.attempt(now());
        try {
            store.close();
            return true;
        } catch (CheckpointFailed _) {
            return false;
        } finally {
            machine.attempt(null);
        }
    }

    /** Opens the store while forces may fail. Returns whether none did. */
    boolean tryToOpen() {
        machine.attempt(now());
        try {
            openStore();
            return true;
        } catch (CheckpointFailed | UncheckedIOException _) {
            return false;
        } finally {
            machine.attempt(null);
        }
    }

    /** Requires that the store shows what the model has. */
    void requireEqual() {
        Point now = now();
        Point _ = Judge.require(List.of(now), store);
    }

    @Override
    public void close() {
        machine.turnOff();
        machine.close();
        if (open) {
            open = false;
            try {
                store.close();
            } catch (CorruptStore _) {
                // The test has damaged it.
            }
        }
    }
}
