package dev.cairn.engine;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * A small store with a random history: its files as they were left and as they were earlier, and
 * what it held at each of its checkpoints.
 */
final class FuzzedStore {
    static final int KEYS = 44;
    private static final int PHASES = 3;
    private static final int WRITES = 60;

    private final Random random;
    private final Path made;
    private final int stripes;
    private final boolean inPlace;
    private final boolean killed;
    private final Map<Integer, Entry> present = new TreeMap<>();
    private final Map<Integer, List<Entry>> ever = new HashMap<>();
    private final List<Map<Integer, Entry>> cuts = new ArrayList<>();
    private final List<Image> older = new ArrayList<>();
    private final Image left;
    private int sequence;

    /** The value and the version of a key. */
    record Entry(byte[] value, long version) {}

    /** Both files of a store at one instant. */
    record Image(byte[] data, byte[] shared) {}

    /**
     * Makes a store.
     *
     * @param name the name of its data file, which stays
     * @param killed whether it is left open
     */
    FuzzedStore(Path directory, String name, Random random, boolean killed) throws IOException {
        this.random = random;
        this.killed = killed;
        made = directory.resolve(name + ".cairn");
        stripes = 1 << random.nextInt(3);
        inPlace = random.nextInt(3) == 0;
        cuts.add(Map.of());
        Image copied = null;
        try (SmallScale _ = inPlace ? SmallScale.inPlace() : new SmallScale()) {
            int sessions = 1 + random.nextInt(2);
            for (int session = 1; session <= sessions; session++) {
                try (CairnStore store = Cairn.open(made, options())) {
                    work(store);
                    copied = image();
                }
                if (!killed || session < sessions) {
                    cuts.add(Map.copyOf(present));
                    copied = image();
                }
            }
        }
        if (copied == null) {
            throw new AssertionError("no session");
        }
        left = copied;
    }

    private Options options() {
        return Options.defaults().withStripes(stripes).withManualCheckpoints();
    }

    private Image image() throws IOException {
        Path shared = made.resolveSibling(made.getFileName() + "-shm");
        return new Image(Files.readAllBytes(made), Files.readAllBytes(shared));
    }

    static byte[] key(int number) {
        return Content.key(number, number < 40 ? (number + 1) / 2 : 900 * (number - 39));
    }

    private void work(CairnStore store) throws IOException {
        for (int phase = 0; phase < PHASES; phase++) {
            for (int i = 0; i < WRITES; i++) {
                write(store);
            }
            if (random.nextInt(3) != 0) {
                long _ = store.checkpoint();
                cuts.add(Map.copyOf(present));
            }
            if (random.nextInt(2) == 0) {
                older.add(image());
            }
        }
        for (int i = 0; i < random.nextInt(WRITES); i++) {
            write(store);
        }
    }

    private void write(CairnStore store) {
        int number = random.nextInt(KEYS);
        if (random.nextInt(8) == 0) {
            long _ = store.remove(key(number));
            present.remove(number);
            return;
        }
        int bytes = number % 8 == 0 ? number * 250 : number * (inPlace ? 7 : random.nextInt(9));
        byte[] value = Content.value(number, ++sequence, bytes);
        Entry entry =
                new Entry(
                        value,
                        number % 5 == 0
                                ? store.put(key(number), value, Duration.ofDays(9))
                                : store.put(key(number), value));
        present.put(number, entry);
        ever.computeIfAbsent(number, _ -> new ArrayList<>()).add(entry);
    }

    Image left() {
        return left;
    }

    List<Image> older() {
        return older;
    }

    /** What it held when it was left. */
    Map<Integer, Entry> present() {
        return present;
    }

    /** What it held at each of its checkpoints. It held nothing before the first. */
    List<Map<Integer, Entry>> cuts() {
        return cuts;
    }

    /** All entries that a key ever had. */
    List<Entry> ever(int number) {
        return ever.getOrDefault(number, List.of());
    }

    @Override
    public String toString() {
        return "%s of %d stripes%s, %d checkpoints, %d older images"
                .formatted(
                        killed ? "killed" : "closed",
                        stripes,
                        inPlace ? ", in place" : "",
                        cuts.size() - 1,
                        older.size());
    }

    /**
     * Puts an image in place as the files of that name. The index must belong to that data file.
     */
    static void writeTo(Path data, byte[] dataBytes, byte[] sharedBytes, long inode)
            throws IOException {
        if (sharedBytes.length >= SharedLayout.DATA_INODE + Long.BYTES) {
            Words.setPlain(sharedBytes, SharedLayout.DATA_INODE, inode);
        }
        Files.write(data, dataBytes);
        Path shared = data.resolveSibling(data.getFileName() + "-shm");
        if (sharedBytes.length == 0) {
            Files.deleteIfExists(shared);
        } else {
            Files.write(shared, sharedBytes);
        }
    }

    /** The sizes of what each key has, for messages. */
    static Map<Integer, Integer> sizes(Map<Integer, Entry> entries) {
        Map<Integer, Integer> sizes = new LinkedHashMap<>();
        entries.forEach((number, entry) -> sizes.put(number, entry.value.length));
        return sizes;
    }
}
