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

/** A store and the map it must equal, through whatever is done to both. */
final class StoreModel {
    private final Path file;
    private final Options options;
    private final UnaryOperator<CairnStore> flaw;
    private final Map<ByteBuffer, Versioned> model = new HashMap<>();
    private CairnStore store;
    private long sequence;
    private long lastVersion;

    /**
     * @param flaw what is wrong with the store, for canaries; the identity if nothing is
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

    private void versionOf(byte[] key, byte[] value) {
        Versioned now = store.getVersioned(key);
        assertThat(now).isNotNull();
        wrote(key, value, now.version());
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
        assertThat(store.putIfAbsent(key, value)).isEqualTo(absent);
        if (absent) {
            versionOf(key, value);
        }
    }

    /**
     * @param off how far from the right version, if the key is there
     */
    void replace(byte[] key, int bytes, int off) {
        byte[] value = next(key, bytes);
        Versioned old = model.get(name(key));
        long version = Math.max(1, old == null ? lastVersion + 1 : old.version() - off);
        boolean right = old != null && old.version() == version;
        assertThat(store.replace(key, version, value)).isEqualTo(right);
        if (right) {
            versionOf(key, value);
        }
    }

    void remove(byte[] key) {
        assertThat(store.remove(key)).isEqualTo(model.remove(name(key)) != null);
    }

    void remove(byte[] key, int off) {
        Versioned old = model.get(name(key));
        long version = Math.max(1, old == null ? lastVersion + 1 : old.version() - off);
        boolean right = old != null && old.version() == version;
        assertThat(store.remove(key, version)).isEqualTo(right);
        if (right) {
            model.remove(name(key));
        }
    }

    void get(byte[] key) {
        same(key, model.get(name(key)));
    }

    private void same(byte[] key, @Nullable Versioned expected) {
        Versioned found = store.getVersioned(key);
        assertThat(store.containsKey(key)).isEqualTo(expected != null);
        if (expected == null) {
            assertThat(store.get(key)).isNull();
            assertThat(found).isNull();
        } else {
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

    void putMany(int first, int count) {
        for (int i = first; i < first + count; i++) {
            put(Content.key((long) i), i % 40, false);
        }
    }

    void removeMany(int first, int count) {
        for (int i = first; i < first + count; i++) {
            remove(Content.key((long) i));
        }
    }

    /** Everything that the store shows is what the model has, and the store finds no fault. */
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

    /** Closes and opens it again. */
    void reopen() {
        store.close();
        store = flaw.apply(Cairn.open(file, options));
        assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
        checkDeeply();
    }

    /** Closes it, deletes what is derived, opens it again. */
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

    /** Closes it, looks at it read-only, as it is or without what is derived, opens it again. */
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
