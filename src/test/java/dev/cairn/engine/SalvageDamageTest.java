package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.MemoryDirectory;
import dev.cairn.Seed;
import dev.cairn.engine.Salvaged.Outcome;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Attacks salvage with stores of random histories that are damaged at random. A salvage must return
 * every entry whose regions were not touched, if the header and the checkpoints were not either. A
 * value that is not the newest may be returned only if the salvage says that it may be old. If the
 * salvage is asked for proven entries alone, or has the index, it must return no such value at all.
 */
class SalvageDamageTest {
    private static final int STORES = 60;
    private static final int MANY_STORES = 1000;
    private static final int DAMAGES_A_STORE = 5;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final List<String> bad = new ArrayList<>();
    private long untouched;
    private long copied;
    private long uncertain;

    @Test
    void damagedAtRandom() throws IOException {
        damage(STORES);
    }

    @Test
    @Tag("soak")
    void manyDamagedAtRandom() throws IOException {
        damage(MANY_STORES);
    }

    private void damage(int count) throws IOException {
        Random random = Seed.random(getClass());
        Salvaged store = null;
        for (int i = 0; i < count; i++) {
            if (store == null || i % DAMAGES_A_STORE == 0) {
                Path made = Files.createDirectory(directory.resolve("store" + i));
                store = new Salvaged(made, random);
                judge(i + " undamaged", store.salvage(store.sound(), true, false), true);
                judge(i + " undamaged, alone", store.salvage(store.sound(), false, true), true);
            }
            byte[] bytes = store.damaged();
            judge(i + " alone", store.salvage(bytes, false, false), false);
            judge(i + " alone, only proven", store.salvage(bytes, false, true), false);
            judge(i + " with its index", store.salvage(bytes, true, false), false);
            judge(i + " with its index, only proven", store.salvage(bytes, true, true), false);
        }
        System.out.printf(
                "%d damages: %d entries untouched, %d copied, %d of them or left out uncertain, %d bad%n",
                count, untouched, copied, uncertain, bad.size());
        assertThat(bad).isEmpty();
    }

    private void judge(String name, Outcome outcome, boolean complete) {
        untouched += outcome.untouched();
        copied += outcome.report().entries();
        uncertain += outcome.report().uncertain();
        outcome.wrong().forEach(wrong -> bad.add(name + ": " + wrong + ": " + outcome.report()));
        if (complete && !outcome.report().complete()) {
            bad.add(name + ": not complete: " + outcome.report());
        }
    }
}
