package dev.cairn.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/**
 * Attacks the power loss of the demo: the disk that it leaves, and what the store is afterwards.
 * The canary is a checkpoint that forces nothing.
 */
class PowerLossTest {
    private static final int SEEDS = 12;
    private static final int WORDS = 300_000;

    @TempDir Path directory;

    @Test
    void everyWordIsTheOldOrTheNew() throws IOException {
        long[] old = new Random(1).longs(WORDS).toArray();
        long[] now = new Random(2).longs(2 * WORDS).toArray();
        System.arraycopy(old, 0, now, 0, WORDS / 2); // half of it did not change
        Path memory = write("memory", now);
        Set<Integer> lengths = new HashSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            Path disk = write("disk" + seed, old);

            PowerLoss.Outcome outcome = PowerLoss.strike(memory, disk, seed);

            LongBuffer words = ByteBuffer.wrap(Files.readAllBytes(disk)).asLongBuffer();
            int written = 0;
            for (int word = 0; word < words.limit(); word++) {
                long before = word < WORDS ? old[word] : 0;
                assertThat(words.get(word)).isIn(before, now[word]);
                written += words.get(word) != before ? 1 : 0;
            }
            assertThat(outcome).isEqualTo(new PowerLoss.Outcome(WORDS * 3 / 2, written));
            assertThat((double) written / (words.limit() - WORDS / 2)).isBetween(0.4, 0.6);
            lengths.add(words.limit());
        }
        assertThat(lengths).containsExactlyInAnyOrder(WORDS, 2 * WORDS);
    }

    @Test
    void equalSeedsMakeEqualDisks() throws IOException {
        Path memory = write("memory", new Random(1).longs(WORDS).toArray());
        Path one = write("one", new long[WORDS]);
        Path other = write("other", new long[WORDS]);

        PowerLoss.Outcome _ = PowerLoss.strike(memory, one, 17);
        PowerLoss.Outcome _ = PowerLoss.strike(memory, other, 17);

        assertThat(one).hasSameBinaryContentAs(other);
    }

    @Test
    void aStoreIsBackAtItsCheckpoint() throws IOException {
        DemoSource source = tree(100);
        Path file = directory.resolve("test.cairn");
        for (int seed = 0; seed < SEEDS; seed++) {
            Path disk = directory.resolve("disk" + seed);
            try (CairnStore store = manual(file)) {
                put(store, source, Rewriter.EDITION);
                long epoch = store.checkpoint();
                PowerLoss.remember(file, disk);
                put(store, source, new Edition(2 + seed));
                store.remove(source.key(seed));
                store.put(new byte[] {1}, new byte[100]);

                PowerLoss.Outcome _ = PowerLoss.strike(file, disk, seed);

                Comparison comparison = compare(source, Rewriter.EDITION, disk);
                assertThat(comparison.everyByteAgreed(source)).as("" + comparison).isTrue();
                assertThat(comparison.recovery().kind()).isEqualTo(Kind.REBUILT);
                assertThat(comparison.recovery().epoch()).isEqualTo(epoch);
                store.remove(new byte[] {1});
            }
        }
    }

    /** The canary: if a checkpoint forced nothing, the demo must say so. */
    @Test
    void aCheckpointThatForcedNothingIsFoundOut() throws IOException {
        DemoSource source = tree(100);
        Path file = directory.resolve("test.cairn");
        Path disk = directory.resolve("disk");
        try (CairnStore store = manual(file)) {
            put(store, source, Edition.FILES);
            long _ = store.checkpoint();
            PowerLoss.remember(file, disk);
            put(store, source, Rewriter.EDITION);

            PowerLoss.Outcome _ = PowerLoss.strike(file, disk, 1);
        }

        assertThat(compare(source, Rewriter.EDITION, disk).equal()).isZero();
        assertThat(compare(source, Edition.FILES, disk).everyByteAgreed(source)).isTrue();
    }

    private static Comparison compare(DemoSource source, Edition edition, Path file)
            throws IOException {
        return Comparison.of(source, edition, file, ComparisonTest.SILENT);
    }

    private static CairnStore manual(Path file) {
        return Cairn.open(file, Options.defaults().withManualCheckpoints());
    }

    private static void put(CairnStore store, DemoSource source, Edition edition)
            throws IOException {
        for (int index = 0; index < source.size(); index++) {
            store.put(source.key(index), edition.of(source.bytes(index)));
        }
    }

    private DemoSource tree(int files) throws IOException {
        Random random = new Random(files);
        Path tree = Files.createDirectory(directory.resolve("tree"));
        for (int i = 0; i < files; i++) {
            byte[] bytes = new byte[random.nextInt(i == 0 ? 300_000 : 5_000)];
            random.nextBytes(bytes);
            Files.write(tree.resolve("f" + i), bytes);
        }
        return DemoSource.ofDirectory(tree, new ArrayList<>());
    }

    private Path write(String name, long[] words) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(words.length * Long.BYTES);
        bytes.asLongBuffer().put(words);
        return Files.write(directory.resolve(name), bytes.array());
    }
}
