package dev.cairn.bench.hits;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Stats;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;

/**
 * Cairn as a cache, in files of its own that are removed when it is closed. Every value that is
 * found is compared with the one that was put last.
 */
final class CairnPolicy implements Policy {
    private final Sizes sizes;
    private final long maxBytes;
    private final Path directory;
    private final CairnStore store;
    private final byte[] key = new byte[Sizes.KEY_BYTES];

    /** How often each key was put. */
    private final int[] puts;

    /**
     * Creates the store in a new directory.
     *
     * @param within the directory in which the new one is made
     */
    CairnPolicy(Path within, int keys, Sizes sizes, long maxBytes) throws IOException {
        this.sizes = sizes;
        this.maxBytes = maxBytes;
        puts = new int[keys];
        directory = Files.createTempDirectory(within, "hit-ratios");
        try {
            store =
                    Cairn.open(
                            dataFile(),
                            Options.defaults().withMaxBytes(maxBytes).withEviction(true));
        } catch (RuntimeException | Error e) {
            delete(directory);
            throw e;
        }
    }

    @Override
    public boolean read(int number) {
        encode(number, key);
        byte[] found = store.get(key);
        if (found == null) {
            put(number);
            return false;
        }
        if (!Arrays.equals(found, value(number))) {
            throw new IllegalStateException(
                    "key %d has another value than the one of put %d"
                            .formatted(number, puts[number]));
        }
        return true;
    }

    @Override
    public void write(int number) {
        encode(number, key);
        put(number);
    }

    private void put(int number) {
        puts[number]++;
        store.put(key, value(number));
    }

    Path dataFile() {
        return directory.resolve("cache.cairn");
    }

    Stats stats() {
        return store.stats();
    }

    /**
     * Closes the store and removes its files.
     *
     * @throws IllegalStateException if the data file has outgrown its bound
     */
    @Override
    public void close() {
        long dataFileBytes = store.stats().dataFileBytes();
        store.close();
        delete(directory);
        if (dataFileBytes > maxBytes) {
            throw new IllegalStateException(
                    "the data file has %d bytes, and may have %d"
                            .formatted(dataFileBytes, maxBytes));
        }
    }

    private static void encode(int number, byte[] key) {
        set(key, 0, Sizes.mix(number + 1L));
        set(key, Long.BYTES, number);
    }

    /** A value, which begins with its key and with the number of its put. */
    private byte[] value(int number) {
        byte[] value = new byte[sizes.payload(number) - Sizes.KEY_BYTES];
        set(value, 0, number);
        set(value, Long.BYTES, puts[number]);
        return value;
    }

    private static void set(byte[] bytes, int at, long number) {
        for (int i = 0; i < Long.BYTES; i++) {
            bytes[at + i] = (byte) (number >>> Byte.SIZE * i);
        }
    }

    private static void delete(Path tree) {
        try (var files = Files.walk(tree)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
