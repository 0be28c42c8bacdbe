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
 * A cache, and what it may hold: of each key what was put last, unless it was removed. Any entry may be
 * gone. One that was seen to be gone is not there again before it is put, and versions only grow.
 */
public final class CacheModel implements AutoCloseable {
    /** Works in the background for nobody: an entry goes in a write of this thread, or stays. */
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
     * Opens it.
     *
     * @param flaw what is wrong with the store, for canaries; the identity if nothing is
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

    /** Options of a cache of that size, which works in the background for nobody. */
    public static Options quiet(long bytes) {
        return QUIET.withMaxBytes(bytes).withEviction(true);
    }

    public CairnStore store() {
        return store;
    }

    public Path file() {
        return file;
    }

    /** Entries that were seen to be gone, though nobody had removed them. */
    public long gone() {
        return gone;
    }

    /** Puts and removes. */
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
        assertThat(version != 0).as("put, being absent").isEqualTo(absent);
        if (absent) {
            wrote(key, value, version);
        }
    }

    /**
     * Puts a key if it is there in a version.
     *
     * @param off how far that is from the right one
     */
    public void replace(byte[] key, int bytes, int off) {
        byte[] value = next(key, bytes);
        long known = newest.getOrDefault(name(key), 1L);
        long asked = Math.max(1, known - off);
        boolean right = isThere(key) && asked == known;
        long version = store.replace(key, asked, value);
        assertThat(version != 0).as("replaced").isEqualTo(right);
        if (right) {
            wrote(key, value, version);
        }
    }

    public void remove(byte[] key) {
        boolean there = isThere(key);
        removed(key, store.remove(key), there);
    }

    /**
     * Removes a key if it is there in a version.
     *
     * @param off how far that is from the right one
     */
    public void remove(byte[] key, int off) {
        long known = newest.getOrDefault(name(key), 1L);
        long asked = Math.max(1, known - off);
        boolean right = isThere(key) && asked == known;
        removed(key, store.remove(key, asked), right);
    }

    private void removed(byte[] key, long version, boolean removes) {
        assertThat(version != 0).as("removed").isEqualTo(removes);
        if (removes) {
            writes++;
            assertThat(version).isGreaterThan(newest.get(name(key)));
            newest.put(name(key), version);
            model.remove(name(key));
            assertThat(isThere(key)).as("there behind its removal").isFalse();
        }
    }

    /** Reads a key in every way; tells whether it is there, and that it is what was put last. */
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

    /** Reads a key as most do. */
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

    /** Some of them may be gone when the last is written. */
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
                model.remove(
                        name(key)); // its version is not known: a later one is greater than the
                // last
            } else {
                wrote(key, entry.getValue(), version);
            }
        }
    }

    /** Makes a checkpoint, if the cache has any. */
    public void checkpoint() {
        if (options.durability() != Durability.NONE) {
            long _ = store.checkpoint();
        }
    }

    /** Everything that the cache shows is what the model has, and it finds no fault with itself. */
    public void check() {
        check(0);
    }

    /**
     * The same of one whose entries may have expired.
     *
     * @param expired entries that are counted still, at most
     */
    public void check(long expired) {
        check(store, expired);
    }

    private void check(CairnStore shown, long expired) {
        Map<ByteBuffer, byte[]> seen = new HashMap<>();
        shown.forEach((key, value) -> assertThat(seen.put(name(key), value)).isNull());
        assertThat(model.keySet().containsAll(seen.keySet()))
                .as("all that it shows was put, and neither removed nor gone")
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

    /** The data file is no longer than its bound. */
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

    /** Closes and opens it again. */
    public void reopen() {
        store.close();
        open(Recovery.Kind.CLEAN);
    }

    /** Closes it, deletes what is derived, opens it again. */
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

    /** Closes it, looks at it read-only, as it is or without what is derived, opens it again. */
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
