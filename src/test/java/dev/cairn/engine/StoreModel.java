package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.Versioned;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** A store and the map that it must equal, whatever is done to both. */
final class StoreModel {
    private final Path file;
    private final Options options;
    private final UnaryOperator<CairnStore> flaw;
    private final Map<ByteBuffer, Versioned> model = new HashMap<>();
    private CairnStore store;
    private long sequence;
    private long lastVersion;

    /**
     * @param flaw changes the store to something wrong, for canaries; the identity if nothing is
     *     wrong
     */
    StoreModel(Path file, Options options, UnaryOperator<CairnStore> flaw) {
        this.file = file;
        this.options = options;
        this.flaw = flaw;
        this.store = flaw.apply(Cairn.open(file, options));
    }

    Path file() {
        return file;
    }

    Stats stats() {
        return store.stats();
    }

    private static ByteBuffer name(byte[] key) {
        return ByteBuffer.wrap(key);
    }

    private byte[] next(byte[] key, int bytes) {
        return Content.value(Arrays.hashCode(key), ++sequence, bytes);
    }

    private void wrote(byte[] key, byte[] value, long version) {
        Versioned old = model.get(name(key));
        assertThat(version).isGreaterThan(old == null ? 0 : old.version());
        model.put(name(key), new Versioned(value, version));
        lastVersion = version;
    }

    /**
     * Notes what a conditional write returned: the version of the entry if it wrote, and nothing
     * else.
     */
    private void wroteIf(boolean right, byte[] key, byte[] value, long version) {
        if (right) {
            assertThat(version).isEqualTo(store.version(key));
            wrote(key, value, version);
        } else {
            assertThat(version).isZero();
        }
    }

    void put(byte[] key, int bytes, boolean expires) {
        byte[] value = next(key, bytes);
        long version =
                expires ? store.put(key, value, Duration.ofDays(500)) : store.put(key, value);
        wrote(key, value, version);
    }

    void putIfAbsent(byte[] key, int bytes) {
        byte[] value = next(key, bytes);
        boolean absent = !model.containsKey(name(key));
        wroteIf(absent, key, value, store.putIfAbsent(key, value));
    }

    /** @param off how far the version is from the right one, if the key is there */
    void replace(byte[] key, int bytes, int off) {
        byte[] value = next(key, bytes);
        Versioned old = model.get(name(key));
        long version = Math.max(1, old == null ? lastVersion + 1 : old.version() - off);
        boolean right = old != null && old.version() == version;
        wroteIf(right, key, value, store.replace(key, version, value));
    }

    void remove(byte[] key) {
        removed(key, store.remove(key), model.remove(name(key)));
    }

    void remove(byte[] key, int off) {
        Versioned old = model.get(name(key));
        long version = Math.max(1, old == null ? lastVersion + 1 : old.version() - off);
        boolean right = old != null && old.version() == version;
        removed(key, store.remove(key, version), right ? model.remove(name(key)) : null);
    }

    private void removed(byte[] key, long version, @Nullable Versioned old) {
        assertThat(version).isGreaterThanOrEqualTo(old == null ? 0 : old.version() + 1);
        assertThat(version != 0).isEqualTo(old != null);
        Versioned now = model.get(name(key));
        assertThat(store.version(key)).isEqualTo(now == null ? 0 : now.version());
    }

    void get(byte[] key) {
        same(key, model.get(name(key)));
    }

    private void same(byte[] key, @Nullable Versioned expected) {
        Versioned found = store.getVersioned(key);
        assertThat(store.containsKey(key)).isEqualTo(expected != null);
        byte[] seen = store.read(key, value -> value.toArray(ValueLayout.JAVA_BYTE));
        byte[] target = new byte[expected == null ? 0 : expected.value().length];
        long length = store.get(key, MemorySegment.ofArray(target));
        if (expected == null) {
            assertThat(store.get(key)).isNull();
            assertThat(found).isNull();
            assertThat(seen).isNull();
            assertThat(length).isEqualTo(-1);
        } else {
            assertThat(seen).isEqualTo(expected.value());
            assertThat(length).isEqualTo(target.length);
            assertThat(target).isEqualTo(expected.value());
            assertThat(store.get(key)).isEqualTo(expected.value());
            assertThat(found).isNotNull();
            assertThat(found.value()).isEqualTo(expected.value());
            assertThat(found.version()).isEqualTo(expected.version());
        }
    }

    void getAll(List<byte[]> keys) {
        List<byte @Nullable []> values = store.getAll(keys);
        assertThat(values).hasSameSizeAs(keys);
        for (int i = 0; i < keys.size(); i++) {
            Versioned expected = model.get(name(keys.get(i)));
            assertThat(values.get(i)).isEqualTo(expected == null ? null : expected.value());
        }
    }

    /** Puts many entries, one by one or all together. */
    void putMany(int first, int count) {
        if (count % 2 == 0) {
            putAll(first, count);
            return;
        }
        for (int i = first; i < first + count; i++) {
            put(Content.key((long) i), i % 40, false);
        }
    }

    private void putAll(int first, int count) {
        List<Map.Entry<byte[], byte[]>> entries = new ArrayList<>();
        for (int i = first; i < first + count; i++) {
            byte[] key = Content.key((long) i);
            entries.add(Map.entry(key, next(key, i % 40)));
        }
        store.putAll(entries);
        entries.forEach(
                entry -> wrote(entry.getKey(), entry.getValue(), store.version(entry.getKey())));
    }

    void removeMany(int first, int count) {
        for (int i = first; i < first + count; i++) {
            remove(Content.key((long) i));
        }
    }

    /**
     * Requires that everything the store shows is in the model, and that the store finds no damage.
     */
    void check() {
        check(store);
    }

    private void check(CairnStore shown) {
        List<ByteBuffer> seen = new ArrayList<>();
        boolean whole =
                shown.forEachWhile((key, value) -> {
                    seen.add(name(key));
                    Versioned expected = model.get(name(key));
                    assertThat(expected).isNotNull();
                    assertThat(value).isEqualTo(expected.value());
                    return true;
                });
        assertThat(whole).isTrue();
        assertThat(seen).doesNotHaveDuplicates().hasSize(model.size());
        assertThat(shown.size()).isEqualTo(model.size());
        assertThat(shown.stats().entries()).isEqualTo(model.size());
        var verification = shown.verify();
        assertThat(verification.damages()).isEmpty();
        assertThat(verification.entries()).isEqualTo(model.size());
    }

    private void checkDeeply() {
        check(store);
        model.forEach((key, expected) -> {
            byte[] copy = new byte[key.remaining()];
            key.get(0, copy);
            same(copy, expected);
        });
    }

    /** Closes the store and opens it again. */
    void reopen() {
        store.close();
        store = flaw.apply(Cairn.open(file, options));
        assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
        checkDeeply();
    }

    /** Closes the store, deletes what is derived, and opens it again. */
    void rebuild() {
        store.close();
        deleteShared();
        store = flaw.apply(Cairn.open(file, options));
        assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.REBUILT);
        checkDeeply();
    }

    private void deleteShared() {
        try {
            Files.delete(file.resolveSibling(file.getFileName() + "-shm"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Closes the store, looks at it read-only, and opens it again. The look is at the store as it
     * is, or without what is derived.
     */
    void lookReadOnly(boolean snapshot) {
        store.close();
        if (snapshot) {
            deleteShared();
        }
        try (CairnStore looking = Cairn.open(file, options.withReadOnly(true))) {
            assertThat(looking.recovery().kind())
                    .isEqualTo(snapshot ? Recovery.Kind.SNAPSHOT : Recovery.Kind.CLEAN);
            check(looking);
        }
        store = flaw.apply(Cairn.open(file, options));
        checkDeeply();
    }

    void close() {
        store.close();
    }
}
