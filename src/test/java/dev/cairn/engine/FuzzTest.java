package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.MemoryDirectory;
import dev.cairn.engine.Mutant.Oracle;
import dev.cairn.os.Host;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Attacks the promise that changed files give a right answer or a clear exception. Stores with
 * random histories get their files changed at random, also with right checksums. One seed is one
 * case, and {@code -Dcairn.seed=...} plays that case alone. An answer must be what the store held
 * when it was left. If the store says that it was recovered, it must be what the store held at one
 * of its checkpoints. Or else it must be an exception that names the file. {@link Mutant.Oracle}
 * says what is less strict if words were changed that nothing can check. The canary is another
 * store's files.
 */
class FuzzTest {
    private static final String SEED = "cairn.seed";
    private static final Logger LOG = Logger.getLogger("dev.cairn");
    private static final int CASES = 300;
    private static final int CASES_A_STORE = 20;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path data = Path.of("");
    private long made;
    private @Nullable FuzzedStore store;
    private @Nullable FuzzedStore other;
    private final List<String> bad = new ArrayList<>();
    private final Map<Oracle, Integer> cases = new EnumMap<>(Oracle.class);
    private final Map<String, Integer> ends = new TreeMap<>();

    @Test
    void cases() throws IOException {
        play(CASES);
    }

    /**
     * The canary: the unchanged files of another store. Each answer is right by itself, but not for
     * this store.
     */
    @Test
    void canaryTheAnswersOfAnotherStoreAreNoticed() throws IOException {
        data = directory.resolve("fuzzed.cairn");
        makeStores(1);
        FuzzedStore subject = Objects.requireNonNull(store);
        FuzzedStore foreign = Objects.requireNonNull(other);
        Random random = new Random(1);
        Mutant strict = new Mutant(subject, foreign, random);
        while (strict.oracle() != Oracle.STRICT) {
            strict = new Mutant(subject, foreign, random);
        }
        assertThat(complaints(subject, subject, strict)).isEmpty();
        assertThat(complaints(foreign, subject, strict)).isNotEmpty();
    }

    private List<String> complaints(FuzzedStore used, FuzzedStore judged, Mutant mutant)
            throws IOException {
        Files.deleteIfExists(data);
        Files.createFile(data);
        FuzzedStore.writeTo(data, used.left().data(), used.left().shared(), Host.inode(data));
        FuzzedUse use = new FuzzedUse(data, false);
        assertThat(Watch.run(use::run, data, beside("-shm"))).isNull();
        return new FuzzJudge(judged, null, mutant).complaints(use);
    }

    private void play(int count) throws IOException {
        play(directory, count);
    }

    /** Plays a number of cases, or only the one whose seed is set. */
    void play(Path in, int count) throws IOException {
        directory = in;
        data = in.resolve("fuzzed.cairn");
        LOG.setLevel(Level.OFF); // it would log thousands of lines about this damage
        try {
            playAll(count);
        } finally {
            LOG.setLevel(null);
        }
    }

    private void playAll(int count) throws IOException {
        Long one = Long.getLong(SEED);
        long first = one == null ? System.nanoTime() & 0xFFFF_FFFFL : one;
        for (int i = 0; i < (one == null ? count : 1); i++) {
            play(first + i);
        }
        System.out.printf(
                "FuzzTest: seeds from %d, cases %s, ends %s, %d bad%n",
                first, cases, ends, bad.size());
        assertThat(bad).isEmpty();
    }

    /** Makes two stores for some cases that follow each other, by a seed that these share. */
    private void makeStores(long shared) throws IOException {
        if (shared == made && store != null) {
            return;
        }
        made = shared;
        Random ofStores = new Random(shared);
        Steps.listen(
                new Steps.Listener() {
                    @Override
                    public void at(String step) {}

                    @Override
                    public UUID randomId() {
                        return new UUID(ofStores.nextLong(), ofStores.nextLong());
                    }
                });
        try {
            Path mine = Files.createDirectory(directory.resolve("stores" + shared));
            store = new FuzzedStore(mine, "one", ofStores, ofStores.nextBoolean());
            other = new FuzzedStore(mine, "other", ofStores, ofStores.nextBoolean());
        } finally {
            Steps.listen(null);
        }
    }

    private void play(long seed) throws IOException {
        makeStores(seed / CASES_A_STORE);
        FuzzedStore subject = Objects.requireNonNull(store);
        Random random = new Random(seed);
        Mutant mutant = new Mutant(subject, Objects.requireNonNull(other), random);
        FuzzedUse use = new FuzzedUse(data, random.nextInt(4) == 0);
        if (!Files.exists(data)) {
            Files.createFile(data);
        }
        // what an earlier case left is not there, or a seed would not replay what it did
        Files.deleteIfExists(beside("-lock"));
        if (random.nextInt(8) > 0) {
            Files.createFile(beside("-lock"));
        }
        FuzzedStore.writeTo(data, mutant.data(), mutant.shared(), Host.inode(data));
        String alarm = Watch.run(use::run, data, beside("-shm"));
        List<String> complaints = new ArrayList<>(use.alarms);
        if (mutant.oracle() != Oracle.INDEX || !use.told()) {
            complaints.addAll(use.wrong());
        }
        if (alarm != null) {
            complaints.add(alarm);
        }
        complaints.addAll(new FuzzJudge(subject, other, mutant).complaints(use));
        cases.merge(mutant.oracle(), 1, Integer::sum);
        ends.merge(use.kind() == null ? "refused" : use.kind() + "", 1, Integer::sum);
        if (!complaints.isEmpty()) {
            bad.add(
                    "-D%s=%d: %s%n  %s%n  opened %s, told %s%n  %s"
                            .formatted(
                                    SEED,
                                    seed,
                                    subject,
                                    mutant,
                                    use.kind(),
                                    use.told(),
                                    String.join("\n  ", complaints)));
            System.out.println(bad.getLast());
        }
        if (alarm != null) {
            throw new AssertionError("the rest is not tried after " + bad.getLast());
        }
    }

    private Path beside(String suffix) {
        return data.resolveSibling(data.getFileName() + suffix);
    }
}
