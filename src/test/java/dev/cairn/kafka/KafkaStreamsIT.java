package dev.cairn.kafka;

import static dev.cairn.kafka.WordCountInstance.BEFORE_COMMIT;
import static dev.cairn.kafka.WordCountInstance.NEVER;
import static dev.cairn.kafka.WordCountInstance.RUNNING;
import static dev.cairn.kafka.WordCountInstance.STANDING;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import dev.cairn.process.Children;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers.RocksDBDslStoreSuppliers;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Attacks exactly-once processing of a Kafka Streams application of two processes at a real broker.
 * One process is killed in the middle of a transaction, or its machine fails. Then it is started
 * again on its own directory. Its stores are Cairn's; the built-in ones are tried for comparison.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KafkaStreamsIT {
    private static final String SEED = "cairn.seed";
    private static final String SHARED_WORDS = "-shm";
    private static final int LINES = 20_000;
    private static final int MANY_LINES = 1_000_000;

    private static final Map<String, String> BUILT_IN =
            Map.of("dsl.store.suppliers.class", RocksDBDslStoreSuppliers.class.getName());

    private static final Map<String, String> CAIRN =
            Map.of("dsl.store.suppliers.class", CairnDslStoreSuppliers.class.getName());

    /** With this its stores keep each commit, however soon it follows another. */
    private static final Map<String, String> CAIRN_EACH_COMMIT =
            Map.of(
                    "dsl.store.suppliers.class",
                    CairnDslStoreSuppliers.class.getName(),
                    "cairn.checkpoint.every.ms",
                    "1");

    /** What a power failure takes besides the process. */
    enum Loss {
        NOTHING,
        /** Only the shared memory is lost. Everything that was written has reached the disk. */
        SHARED_MEMORY,
        /**
         * Of what was written after a commit, only the first few hundred changes have reached the
         * disk.
         */
        WRITES_BEHIND_A_COMMIT
    }

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private SplittableRandom random;
    private int trials;

    /**
     * How a process came back after it was killed.
     *
     * @param changelog the records in the changelogs of its tasks
     * @param behind how many of these lie behind what the stores could know to be committed
     * @param restored how many of these were given to the stores
     */
    private record Return(String stores, long changelog, long behind, long restored, long millis) {
        private static final String TITLE =
                "%-29s %18s %20s %10s %9s%n"
                        .formatted(
                                "stores",
                                "in the changelog",
                                "behind the commits",
                                "restored",
                                "seconds");

        @Override
        public String toString() {
            return "%-29s %,18d %,20d %,10d %9.2f%n"
                    .formatted(stores, changelog, behind, restored, millis / 1e3);
        }
    }

    @BeforeEach
    void tellSeed() {
        long seed = Long.getLong(SEED, System.nanoTime());
        random = new SplittableRandom(seed);
        System.out.printf("KafkaStreamsIT: -D%s=%d%n", SEED, seed);
    }

    @Test
    void killedProcessRestoresWhatLiesBehindItsCommits() throws Exception {
        Return builtIn = killed("RocksDB", BUILT_IN, LINES, Loss.NOTHING);
        Return cairn = killed("Cairn, each commit", CAIRN_EACH_COMMIT, LINES, Loss.NOTHING);
        System.out.print(Return.TITLE + builtIn + cairn);
        assertThat(cairn.restored()).isLessThan(builtIn.restored());
        assertThat(cairn.restored()).isLessThanOrEqualTo(cairn.behind());
    }

    /**
     * There are so many records that a process works for some seconds, since its stores keep one
     * commit a second.
     */
    @Test
    @Tag("soak")
    void killedProcessRestoresWhatItsStoresDidNotKeep() throws Exception {
        Return builtIn = killed("RocksDB", BUILT_IN, MANY_LINES, Loss.NOTHING);
        Return cairn = killed("Cairn", CAIRN, MANY_LINES, Loss.NOTHING);
        Return eachCommit =
                killed("Cairn, each commit", CAIRN_EACH_COMMIT, MANY_LINES, Loss.NOTHING);
        System.out.print(Return.TITLE + builtIn + cairn + eachCommit);
        assertThat(cairn.restored()).isLessThan(builtIn.restored());
        assertThat(eachCommit.restored()).isLessThan(builtIn.restored());
        assertThat(eachCommit.restored()).isLessThanOrEqualTo(eachCommit.behind());
    }

    @ParameterizedTest
    @EnumSource(names = "NOTHING", mode = EnumSource.Mode.EXCLUDE)
    void powerLossRestoresWhatLiesBehindTheCommits(Loss loss) throws Exception {
        Return cairn = killed("Cairn, " + loss, CAIRN_EACH_COMMIT, LINES, loss);
        System.out.print(Return.TITLE + cairn);
        assertThat(cairn.restored()).isLessThanOrEqualTo(cairn.behind());
        assertThat(cairn.behind()).isLessThan(cairn.changelog());
    }

    private Return killed(String title, Map<String, String> stores, int lines, Loss loss)
            throws Exception {
        Path own = directory.resolve("trial" + ++trials);
        try (Broker broker = new Broker(own)) {
            WordCount count = new WordCount(broker, children, own, stores);
            long half = WordCount.changes(lines) / 2;
            WordCount.Instance killed = count.start(0, half * 2 / 5);
            WordCount.Instance other = count.start(1, NEVER);
            count.awaitBalance(killed, other);
            String tasks = killed.tasks();
            count.produce(lines, random);
            killed.await(STANDING);
            Map<TopicPartition, Long> covered = Map.copyOf(killed.covered());
            Path disk = own.resolve("disk");
            if (loss == Loss.WRITES_BEHIND_A_COMMIT) {
                copy(killed.state(), disk);
                killed.goOn(BEFORE_COMMIT);
                killed.await(STANDING);
            }
            killed.kill();
            switch (loss) {
                case NOTHING -> {}
                case SHARED_MEMORY -> forget(killed.state(), SHARED_WORDS);
                case WRITES_BEHIND_A_COMMIT -> {
                    forget(killed.state(), SHARED_WORDS);
                    copy(disk, killed.state());
                }
            }
            Map<TopicPartition, Long> ends = broker.ends(covered.keySet());
            WordCount.Instance again = count.start(0, NEVER);
            long millis = Long.parseLong(again.await(RUNNING)[1]);
            assertThat(again.tasks()).isEqualTo(tasks);
            Return back =
                    new Return(
                            title,
                            ends.values().stream().mapToLong(end -> end).sum(),
                            behind(ends, covered),
                            again.restored(),
                            millis);
            count.judge(again, other);
            return back;
        }
    }

    private static long behind(Map<TopicPartition, Long> ends, Map<TopicPartition, Long> covered) {
        return ends.entrySet().stream()
                .mapToLong(end -> end.getValue() - covered.get(end.getKey()) - 1)
                .sum();
    }

    /** Copies the files of Cairn's stores, except what lies in shared memory. */
    private static void copy(Path from, Path to) throws IOException {
        List<Path> files = filesOfStores(from, file -> !file.endsWith(SHARED_WORDS));
        assertThat(files).isNotEmpty();
        for (Path file : files) {
            Path target = to.resolve(from.relativize(file));
            Files.createDirectories(target.getParent());
            Files.copy(file, target, REPLACE_EXISTING);
        }
    }

    private static void forget(Path state, String suffix) throws IOException {
        List<Path> files = filesOfStores(state, file -> file.endsWith(suffix));
        assertThat(files).isNotEmpty();
        for (Path file : files) {
            Files.delete(file);
        }
    }

    private static List<Path> filesOfStores(Path state, Predicate<String> wanted)
            throws IOException {
        try (Stream<Path> files = Files.walk(state)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> file.toString().contains("/cairn/" + WordCountInstance.STORE))
                    .filter(file -> wanted.test(file.toString()))
                    .toList();
        }
    }
}
