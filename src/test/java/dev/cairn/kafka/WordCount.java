package dev.cairn.kafka;

import static dev.cairn.kafka.WordCountInstance.LINES;
import static dev.cairn.kafka.WordCountInstance.RESTORED;
import static dev.cairn.kafka.WordCountInstance.STANDING;
import static dev.cairn.kafka.WordCountInstance.STORE;
import static dev.cairn.kafka.WordCountInstance.TOTALS;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.process.Child;
import dev.cairn.process.Children;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/**
 * A word count by two processes, each of which is a {@link WordCountInstance}: its input, and what
 * must come out.
 */
final class WordCount {
    private static final int PARTITIONS = 4;
    private static final int WORDS = 20_000;
    private static final int WORDS_PER_LINE = 2;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Broker broker;
    private final Children children;
    private final Path directory;
    private final Map<String, String> stores;
    private final Map<String, Long> expected = new HashMap<>();

    /**
     * @param directory where its processes keep their state
     * @param stores the configuration of its stores
     */
    WordCount(Broker broker, Children children, Path directory, Map<String, String> stores)
            throws ExecutionException, InterruptedException, IOException {
        this.broker = broker;
        this.children = children;
        this.directory = directory;
        this.stores = stores;
        for (String topic : List.of(LINES, TOTALS)) {
            broker.create(topic, PARTITIONS);
        }
    }

    /**
     * One process from one start on. If it is started again, that is another instance with the same
     * directory.
     */
    final class Instance {
        private final int number;
        private final Child child;
        private final Map<TopicPartition, Long> covered = new HashMap<>();
        private long restored;

        private Instance(int number, Child child) {
            this.number = number;
            this.child = child;
        }

        /**
         * The words of the first line that begins with the verb, whether the process has said it or
         * says it next.
         */
        String[] await(String verb) {
            while (true) {
                String[] words = child.hear().split("\t", -1);
                switch (words[0]) {
                    case RESTORED -> restored += Long.parseLong(words[3]);
                    case STANDING -> covered(words);
                    case "!", "ended" -> throw new AssertionError(String.join(" ", words));
                    default -> {}
                }
                if (words[0].equals(verb)) {
                    return words;
                }
            }
        }

        private void covered(String[] words) {
            for (int i = 1; i < words.length; i++) {
                String[] offset = words[i].split("=", 2);
                covered.put(changelog(Integer.parseInt(offset[0])), Long.parseLong(offset[1]));
            }
        }

        String ask(Object... words) {
            child.tell(words);
            String[] answer = await("=");
            return answer.length > 1 ? answer[1] : "";
        }

        String tasks() {
            return ask("tasks");
        }

        /** How many records its stores were given from their changelogs. */
        long restored() {
            return restored;
        }

        Path state() {
            return directory.resolve("instance" + number);
        }

        /**
         * For each changelog of its stores when it last stood still, the last offset that was
         * committed before the store was last written. That is what the store can know of its
         * commits.
         */
        Map<TopicPartition, Long> covered() {
            return covered;
        }

        void goOn(long stand) {
            child.tell("go", stand);
        }

        void kill() {
            child.kill();
            child.awaitDeath();
        }

        void close() {
            ask("close");
            child.awaitDeath();
        }
    }

    private static TopicPartition changelog(int partition) {
        return new TopicPartition(applicationId() + "-" + STORE + "-changelog", partition);
    }

    private static String applicationId() {
        return "word-count";
    }

    /**
     * @param stand after how many changes of its stores it is to stand still, or {@link
     *     WordCountInstance#NEVER}
     */
    Instance start(int number, long stand) throws IOException {
        Path state = Files.createDirectories(directory.resolve("instance" + number));
        Path temporary = Files.createDirectories(directory.resolve("tmp" + number));
        List<String> arguments = new ArrayList<>();
        arguments.add(Long.toString(stand));
        Map<String, String> configuration = new HashMap<>(stores);
        configuration.put("application.id", applicationId());
        configuration.put("bootstrap.servers", broker.address());
        configuration.put("state.dir", state.toString());
        configuration.put("processing.guarantee", "exactly_once_v2");
        // Each change goes to the store and to its changelog, and not one for each commit.
        configuration.put("statestore.cache.max.bytes", "0");
        configuration.put("consumer.auto.offset.reset", "earliest");
        // The process keeps its tasks while it is away, so it restores on top of its own state.
        configuration.put("main.consumer.group.instance.id", "instance" + number);
        configuration.put("main.consumer.session.timeout.ms", "300000");
        configuration.forEach((key, value) -> arguments.add(key + "=" + value));
        return new Instance(number, children.start(WordCountInstance.class, temporary, arguments));
    }

    /** Waits until both processes have the same number of tasks. */
    void awaitBalance(Instance one, Instance other) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (one.tasks().length() != other.tasks().length() || one.tasks().isEmpty()) {
            assertThat(System.nanoTime() - deadline).isNegative();
            LockSupport.parkNanos(50_000_000);
        }
    }

    /** How many changes of the stores so many lines make. */
    static long changes(long lines) {
        return lines * WORDS_PER_LINE;
    }

    /** Sends lines in which few words are frequent and many are rare. */
    void produce(int lines, SplittableRandom random)
            throws ExecutionException, InterruptedException {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = broker.producer()) {
            for (int i = 0; i < lines; i++) {
                List<String> words = new ArrayList<>();
                for (int j = 0; j < WORDS_PER_LINE; j++) {
                    String word = "word" + (int) (WORDS * Math.pow(random.nextDouble(), 2));
                    expected.merge(word, 1L, Long::sum);
                    words.add(word);
                }
                sent.add(
                        producer.send(
                                new ProducerRecord<>(
                                        LINES,
                                        i % PARTITIONS,
                                        null,
                                        String.join(" ", words).getBytes(UTF_8))));
            }
        }
        for (Future<RecordMetadata> each : sent) {
            each.get();
        }
    }

    /**
     * Requires that each word was counted exactly once, both in the stores and in what came out.
     */
    void judge(Instance... instances) throws IOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        Map<String, Long> totals = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = broker.consumer(TOTALS)) {
            while (!totals.equals(expected) && System.nanoTime() - deadline < 0) {
                take(consumer, totals);
            }
            assertThat(totals).isEqualTo(expected);
            Map<String, Long> held = new HashMap<>();
            for (Instance instance : instances) {
                Path dump = instance.state().resolveSibling("dump");
                instance.ask("dump", dump);
                for (String line : Files.readAllLines(dump)) {
                    String[] words = line.split("\t", 2);
                    assertThat(held.put(words[0], Long.valueOf(words[1]))).isNull();
                }
            }
            assertThat(held).isEqualTo(expected);
            for (Instance instance : instances) {
                instance.close(); // commits everything that it read
            }
            take(consumer, totals);
            assertThat(totals).isEqualTo(expected);
        }
    }

    private static void take(KafkaConsumer<byte[], byte[]> consumer, Map<String, Long> totals) {
        try (LongDeserializer deserializer = new LongDeserializer()) {
            for (ConsumerRecord<byte[], byte[]> total : consumer.poll(Duration.ofSeconds(1))) {
                totals.put(
                        new String(total.key(), UTF_8),
                        deserializer.deserialize(TOTALS, total.value()));
            }
        }
    }
}
