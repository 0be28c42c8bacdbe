package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.StoreFull;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Opens and fills a store again and again, while little or nothing is left of the file system. */
final class Crowding {
    private static final int PAGE_BYTES = 4096;

    /** With the one size most of what is stored is the index, with the other the log. */
    private static final int[] VALUE_BYTES = {0, 3000};

    private int refused;
    private int opened;
    private long entries;

    /**
     * Leaves the file system of a store a number of free pages, from few to many. Returns how often
     * no store could be created, how often one was, and what was put.
     *
     * @throws AssertionError if something is refused otherwise than by {@link StoreFull}
     */
    Object sweep(Path store, int from, int to, int step) throws IOException {
        Path filler = Path.of("/dev/shm/filler");
        for (int pages = from; pages <= to; pages += step) {
            for (int valueBytes : VALUE_BYTES) {
                fill(filler, pages);
                goRound(store, valueBytes);
                Files.delete(filler);
                remove(store);
            }
        }
        return "%d refused, %d opened, %d put".formatted(refused, opened, entries);
    }

    private static void fill(Path filler, int pagesLeft) throws IOException {
        long bytes = Files.getFileStore(filler.resolveSibling("")).getUsableSpace();
        byte[] page = new byte[PAGE_BYTES];
        try (OutputStream out = Files.newOutputStream(filler)) {
            for (long rest = bytes / PAGE_BYTES - pagesLeft; rest > 0; rest--) {
                out.write(page);
            }
        }
    }

    private void goRound(Path path, int valueBytes) {
        int count = 0;
        try (CairnStore store = Cairn.open(path, Scenario.QUIET)) {
            opened++;
            count = put(store, valueBytes);
            for (int key = 0; key < count; key++) {
                requirePresent(store, key);
            }
            if (!store.verify().sound()) {
                throw new AssertionError(store.verify().damages().toString());
            }
            for (int key = 0; key < count; key += 2) {
                if (store.remove(bytes("k" + key)) <= 0) {
                    throw new AssertionError("k" + key + " was lost");
                }
            }
        } catch (StoreFull _) {
            if (count > 0) {
                throw new AssertionError("a removal found no space behind " + count + " entries");
            }
            refused++;
            return;
        }
        entries += count;
        try (CairnStore again = Cairn.open(path, Scenario.QUIET)) {
            for (int key = 1; key < count; key += 2) {
                requirePresent(again, key);
            }
        }
    }

    private static int put(CairnStore store, int valueBytes) {
        for (int key = 0; ; key++) {
            try {
                store.put(bytes("k" + key), new byte[valueBytes]);
            } catch (StoreFull _) {
                return key;
            }
        }
    }

    private static void requirePresent(CairnStore store, int key) {
        if (store.get(bytes("k" + key)) == null) {
            throw new AssertionError("k" + key + " is lost");
        }
    }

    /** Removes a store. If it could not be created, only some of its files may be there. */
    private static void remove(Path store) throws IOException {
        String name = store.toString().substring("shm:".length());
        try {
            long _ = Cairn.removeSharedMemory(name);
        } catch (UncheckedIOException e) {
            if (!(e.getCause() instanceof NoSuchFileException)) {
                throw e;
            }
            Files.deleteIfExists(Cairn.sharedMemory(name + "-lock"));
        }
    }
}
