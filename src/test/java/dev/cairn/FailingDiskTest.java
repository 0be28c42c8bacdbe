package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Attacks the promise that a failed force is never turned into a success (RULE 21), with a disk
 * that really fails. It is a file system in a file for whose blocks there is no space left. So
 * writing back is an error, though every page was stored. The page cache is not dropped afterwards:
 * this file system has no journal, and may have lost blocks of its own.
 */
class FailingDiskTest {
    private static final int ENTRIES = 2_000;
    private static final Options MANUAL = Options.defaults().withStripes(2).withManualCheckpoints();

    @TempDir Path directory;

    @Test
    void aFailedForceIsNeverTurnedIntoASuccess() throws IOException {
        Path outer = Files.createDirectory(directory.resolve("outer"));
        try (Mount memory = Mount.memory(outer, "24m")) {
            Path image = memory.directory().resolve("image");
            Path disk = directory.resolve("disk");
            try (Mount mount = Mount.image(image, 64L << 20, disk)) {
                fails(mount.directory().resolve("store.cairn"), outer.resolve("ballast"));
            }
        }
    }

    private static void fails(Path file, Path ballast) throws IOException {
        try (CairnStore store = Cairn.open(file, MANUAL)) {
            put(store, 0, ENTRIES);
            long durable = store.checkpoint();
            fill(ballast);
            put(store, 1, 20 * ENTRIES); // the outer file system lacks blocks
            assertThatThrownBy(store::checkpoint)
                    .isInstanceOf(CheckpointFailed.class)
                    .hasMessageContaining(file.toString());
            assertThat(store.stats().state()).isEqualTo(Stats.State.FAILED);
            assertThat(store.stats().durableEpoch()).isEqualTo(durable);
            assertThatThrownBy(() -> store.put(key(0), value(0, 2)))
                    .isInstanceOf(CheckpointFailed.class);
            assertThatThrownBy(() -> store.remove(key(0))).isInstanceOf(CheckpointFailed.class);
            assertThat(store.get(key(7))).isEqualTo(value(7, 1)); // reads still work
            Files.delete(ballast);
            assertThat(store.checkpoint()).isGreaterThan(durable); // it has healed
            assertThat(store.stats().state()).isEqualTo(Stats.State.SOUND);
            store.put(key(0), value(0, 2));
        }
        try (CairnStore store = Cairn.open(file, MANUAL)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThat(store.verify().damages()).isEmpty();
            assertThat(store.size()).isEqualTo(20 * ENTRIES);
            assertThat(store.get(key(0))).isEqualTo(value(0, 2));
            for (int i = 1; i < 20 * ENTRIES; i++) {
                assertThat(store.get(key(i))).isEqualTo(value(i, 1));
            }
        }
    }

    /** Takes what is left of the outer file system. */
    private static void fill(Path ballast) throws IOException {
        byte[] block = new byte[1 << 16];
        try (var out = Files.newOutputStream(ballast)) {
            while (true) {
                out.write(block);
            }
        } catch (IOException full) {
            assertThat(full).hasMessageContaining("No space");
        }
    }

    private static void put(CairnStore store, int sequence, int count) {
        for (int i = 0; i < count; i++) {
            store.put(key(i), value(i, sequence));
        }
    }

    private static byte[] key(int i) {
        return Content.key(i);
    }

    private static byte[] value(int i, int sequence) {
        return Content.value(i, sequence, 200);
    }
}
