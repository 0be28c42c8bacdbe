package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A cache, and a model of what it may hold. For each key that is what was put last, unless it was
 * removed. Any entry may be gone. If an entry was seen to be gone, it must not be there again
 * before it is put. Versions must only grow.
 */
public final class CacheModel implements AutoCloseable {
    /** No background work evicts: an entry is evicted by a write of this thread, or it stays. */
    public static final Options QUIET = Options.defaults().withCheckpointEvery(Duration.ofDays(1));

    private final Path file;
    private final Options options;
    private final UnaryOperator<CairnStore> flaw;
    private final Map<ByteBuffer, Versioned> model = new HashMap<>();
    private final Map<ByteBuffer, Long> newest = new HashMap<>();
    private CairnStore store;
    private long sequence;
    private long gone;
    private long writes;

    /**
     * Opens the cache.
     *
     * @param flaw changes the store to something wrong, for canaries; the identity if nothing is
     *     wrong
     */
    public CacheModel(Path file, Options options, UnaryOperator<CairnStore> flaw) {
        this.file = file;
        this.options = options;
        this.flaw = flaw;
        this.store = flaw.apply(Cairn.open(file, options));
    }

    public CacheModel(Path file, Options options) {
        this(file, options, UnaryOperator.identity());
    }

    /** The options of a cache of that size, in which no background work evicts. */
    public static Options quiet(long bytes) {
        return QUIET.withMaxBytes(bytes).withEviction(true);
    }

    public CairnStore store() {
        return store;
    }

    public Path file() {
        return file;
    }

    /** How many entries were seen to be gone though nobody had removed them. */
    public long gone() {
        return gone;
    }

    /** How many puts and removals there were. */
    public long writes() {
        return writes;
    }

    private static ByteBuffer name(byte[] key) {
        return ByteBuffer.wrap(key);
    }

    private byte[] next(byte[] key, int bytes) {
        return Content.value(Arrays.hashCode(key), ++sequence, bytes);
    }

    private void wrote(byte[] key, byte[] value, long version) {
        writes++;
        assertThat(version).as("version").isGreaterThan(newest.getOrDefault(name(key), 0L));
        newest.put(name(key), version);
        model.put(name(key), new Versioned(value, version));
    }

    public void put(byte[] key, int bytes) {
        byte[] value = next(key, bytes);
        wrote(key, value, store.put(key, value));
    }

    public void put(byte[] key, int bytes, Duration timeToLive) {
        byte[] value = next(key, bytes);
        wrote(key, value, store.put(key, value, timeToLive));
    }

    public void putIfAbsent(byte[] key, int bytes) {
        byte[] value = next(key, bytes);
        boolean absent = !isThere(key);
        long version = store.putIfAbsent(key, value);
        assertThat(version != 0)
                .as("whether it was put, which it must be if it was absent")
                .isEqualTo(absent);
        if (absent) {
            wrote(key, value, version);
        }
    }

    /**
     * Puts a key if it has a certain version.
     *
     * @param off how far that version is from the right one
     */
    public void replace(byte[] key, int bytes, int off) {
        byte[] value = next(key, bytes);
        long known = newest.getOrDefault(name(key), 1L);
        long asked = Math.max(1, known - off);
        boolean right = isThere(key) && asked == known;
        long version = store.replace(key, asked, value);
        assertThat(version != 0).as("whether it was replaced").isEqualTo(right);
        if (right) {
            wrote(key, value, version);
        }
    }

    public void remove(byte[] key) {
        boolean there = isThere(key);
        removed(key, store.remove(key), there);
    }

    /**
     * Removes a key if it has a certain version.
     *
     * @param off how far that version is from the right one
     */
    public void remove(byte[] key, int off) {
        long known = newest.getOrDefault(name(key), 1L);
        long asked = Math.max(1, known - off);
        boolean right = isThere(key) && asked == known;
        removed(key, store.remove(key, asked), right);
    }

    private void removed(byte[] key, long version, boolean removes) {
        assertThat(version != 0).as("whether it was removed").isEqualTo(removes);
        if (removes) {
            writes++;
            assertThat(version).isGreaterThan(newest.get(name(key)));
            newest.put(name(key), version);
            model.remove(name(key));
            assertThat(isThere(key)).as("whether it is there after its removal").isFalse();
        }
    }

    /**
     * Reads a key in every way. Returns whether it is there; if it is, it must be what was put
     * last.
     */
    public boolean isThere(byte[] key) {
        Versioned found = store.getVersioned(key);
        Versioned expected = model.get(name(key));
        byte[] seen = store.read(key, value -> value.toArray(ValueLayout.JAVA_BYTE));
        assertThat(store.get(key)).isEqualTo(found == null ? null : found.value());
        assertThat(seen).isEqualTo(found == null ? null : found.value());
        assertThat(store.containsKey(key)).isEqualTo(found != null);
        assertThat(store.version(key)).isEqualTo(found == null ? 0 : found.version());
        if (found == null) {
            gone(key, expected);
        } else {
            assertThat(expected).as("an entry that was removed, or was gone").isNotNull();
            same(found, expected);
        }
        return found != null;
    }

    /** Reads a key by the plain {@code get}, and returns whether it is there. */
    public boolean get(byte[] key) {
        byte[] found = store.get(key);
        Versioned expected = model.get(name(key));
        if (found == null) {
            gone(key, expected);
            return false;
        }
        assertThat(expected).as("an entry that was removed, or was gone").isNotNull();
        assertThat(found).isEqualTo(expected.value());
        return true;
    }

    private void gone(byte[] key, @Nullable Versioned expected) {
        if (expected != null) {
            gone++;
            model.remove(name(key));
        }
    }

    private static void same(Versioned found, Versioned expected) {
        assertThat(found.version()).as("version").isEqualTo(expected.version());
        assertThat(found.value()).as("value").isEqualTo(expected.value());
    }

    public void getAll(List<byte[]> keys) {
        List<byte @Nullable []> values = store.getAll(keys);
        assertThat(values).hasSameSizeAs(keys);
        for (int i = 0; i < keys.size(); i++) {
            assertThat(values.get(i) != null).isEqualTo(isThere(keys.get(i)));
        }
    }

    /** Puts many entries. Some of them may be gone when the last is written. */
    public void putAll(List<byte[]> keys, int bytes) {
        List<Map.Entry<byte[], byte[]>> entries = new ArrayList<>();
        Set<ByteBuffer> names = new HashSet<>();
        for (byte[] key : keys) {
            if (names.add(name(key))) {
                entries.add(Map.entry(key, next(key, bytes)));
            }
        }
        store.putAll(entries);
        for (var entry : entries) {
            byte[] key = entry.getKey();
            long version = store.version(key);
            if (version == 0) {
                gone++;
                // Its version is not known. A later one must be greater than the last known one.
                model.remove(name(key));
            } else {
                wrote(key, entry.getValue(), version);
            }
        }
    }

    /** Makes a checkpoint if the cache has any. */
    public void checkpoint() {
        if (options.durability() != Durability.NONE) {
            long _ = store.checkpoint();
        }
    }

    /**
     * Requires that everything the cache shows is in the model, and that the cache finds no damage.
     */
    public void check() {
        check(0);
    }

    /**
     * Checks a cache whose entries may have expired.
     *
     * @param expired the most expired entries that may still be counted
     */
    public void check(long expired) {
        check(store, expired);
    }

    private void check(CairnStore shown, long expired) {
        Map<ByteBuffer, byte[]> seen = new HashMap<>();
        shown.forEach((key, value) -> assertThat(seen.put(name(key), value)).isNull());
        assertThat(model.keySet().containsAll(seen.keySet()))
                .as("whether everything it shows was put, and neither removed nor gone")
                .isTrue();
        long before = model.size();
        model.keySet().retainAll(seen.keySet());
        gone += before - model.size();
        seen.forEach((key, value) -> assertThat(value).isEqualTo(model.get(key).value()));
        long counted = shown.size();
        assertThat(counted).as("size").isBetween((long) seen.size(), seen.size() + expired);
        assertThat(shown.stats().entries()).isEqualTo(counted);
        Verification verification = shown.verify();
        assertThat(verification.damages()).isEmpty();
        assertThat(verification.entries()).isEqualTo(counted);
        assertBounded(shown);
    }

    /** Requires that the data file is no longer than its bound. */
    public void assertBounded() {
        assertBounded(store);
    }

    private void assertBounded(CairnStore shown) {
        try {
            assertThat(Files.size(file)).isLessThanOrEqualTo(options.maxBytes());
            assertThat(shown.stats().dataFileBytes()).isLessThanOrEqualTo(options.maxBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Closes the cache and opens it again. */
    public void reopen() {
        store.close();
        open(Recovery.Kind.CLEAN);
    }

    /** Closes the cache, deletes what is derived, and opens it again. */
    public void rebuild() {
        store.close();
        deleteShared();
        open(Recovery.Kind.REBUILT);
    }

    private void open(Recovery.Kind kind) {
        store = flaw.apply(Cairn.open(file, options));
        assertThat(store.recovery().kind()).isEqualTo(kind);
        check();
    }

    /**
     * Closes the cache, looks at it read-only, and opens it again. The look is at the cache as it
     * is, or without what is derived.
     */
    public void lookReadOnly(boolean snapshot) {
        store.close();
        if (snapshot) {
            deleteShared();
        }
        try (CairnStore looking = Cairn.open(file, options.withReadOnly(true))) {
            assertThat(looking.recovery().kind())
                    .isEqualTo(snapshot ? Recovery.Kind.SNAPSHOT : Recovery.Kind.CLEAN);
            check(looking, 0);
        }
        open(snapshot ? Recovery.Kind.REBUILT : Recovery.Kind.CLEAN);
    }

    private void deleteShared() {
        try {
            Files.delete(file.resolveSibling(file.getFileName() + "-shm"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        store.close();
    }
}
