package dev.cairn.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.format.Place;
import dev.cairn.os.MappedFile;
import dev.cairn.shared.SharedMemory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Attacks a walk that notes few slots at a time, as in a stripe that has more than an array can
 * hold.
 */
class WalkTest {
    private static final int NOTED = 64;
    private static final int ENTRIES = 5_000;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private static void put(CairnStore store, int from, int to) {
        for (int key = from; key < to; key++) {
            store.put(Content.key(key), Content.key(key));
        }
    }

    private MappedFile shared(Path store) throws IOException {
        Path file = Path.of(store + "-shm");
        return MappedFile.map(file, Files.size(file), false);
    }

    private static List<Long> next(Walk walk, int atLeast) {
        List<Long> slots = new ArrayList<>();
        while (walk.hasNext() && slots.size() < atLeast) {
            for (long slot : walk.slots()) {
                slots.add(slot);
            }
            walk.advance();
        }
        return slots;
    }

    @Test
    void walkInPiecesComesToEveryEntryOnceInTheOrderOfPrefixes() throws IOException {
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file, Options.defaults().withStripes(1))) {
            put(store, 0, ENTRIES);
            try (MappedFile shared = shared(file)) {
                SharedMemory memory = new SharedMemory(shared, 1);
                List<Long> whole = next(new Walk(memory, 0), Integer.MAX_VALUE);
                List<Long> pieces = next(new Walk(memory, 0, NOTED), Integer.MAX_VALUE);
                assertThat(whole).hasSize(ENTRIES).doesNotHaveDuplicates();
                assertThat(pieces).isEqualTo(whole);
                assertThat(pieces.stream().map(Place::low)).isSorted();
            }
        }
    }

    @Test
    void entryThatIsThereThroughoutComesOnceWhileTheTableGrows() throws IOException {
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file, Options.defaults().withStripes(1))) {
            put(store, 0, ENTRIES);
            long room = store.stats().indexSlots();
            try (MappedFile shared = shared(file)) {
                SharedMemory memory = new SharedMemory(shared, 1);
                List<Long> there = next(new Walk(memory, 0), Integer.MAX_VALUE);
                Walk walk = new Walk(memory, 0, NOTED);
                List<Long> seen = next(walk, ENTRIES / 2);
                put(store, ENTRIES, 4 * ENTRIES);
                assertThat(store.stats().indexSlots()).isGreaterThan(room);
                seen.addAll(next(walk, Integer.MAX_VALUE));
                assertThat(seen).doesNotHaveDuplicates().containsAll(there);
            }
        }
    }

    @Test
    void emptyStripeHasNothingToWalkThrough() throws IOException {
        Path file = directory.resolve("store.cairn");
        try (CairnStore _ = Cairn.open(file, Options.defaults().withStripes(1));
                MappedFile shared = shared(file)) {
            Walk walk = new Walk(new SharedMemory(shared, 1), 0, NOTED);
            assertThat(next(walk, Integer.MAX_VALUE)).isEmpty();
            assertThat(walk.hasNext()).isFalse();
        }
    }
}
