package dev.cairn.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.internals.DefaultKafkaClientSupplier;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.QueryableStoreTypes;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;

/**
 * The program that runs in a child JVM: an instance of a Kafka Streams application that counts
 * words. It tells on its standard output what it restored and when it runs, in lines of words with
 * tabs between them. If it is told so, it stands still in the middle of a transaction, and tells up
 * to where its stores are committed. It ends when its parent ends.
 */
public final class WordCountInstance {
    static final String LINES = "lines";
    static final String TOTALS = "totals";
    static final String STORE = "counts";

    static final String RUNNING = "running";
    static final String RESTORED = "restored";
    static final String STANDING = "standing";

    /**
     * When to stand still: never, or before the next commit. Any other number is that of the
     * changes before.
     */
    static final long NEVER = 0;

    static final long BEFORE_COMMIT = -1;

    /** It stands still so many changes after a commit, so that its stores were written since. */
    private static final int CHANGES_SINCE_COMMIT = 200;

    private static final int COMMITS = 2;

    private final PrintStream out = new PrintStream(System.out, true, UTF_8);
    private final Semaphore go = new Semaphore(0);
    private final KafkaStreams streams;

    /**
     * After how many records to its stores' changelogs it stands still, or one of the values above.
     */
    private volatile long standBehindChanges;

    private WordCountInstance(Properties configuration, long standBehindChanges) {
        this.standBehindChanges = standBehindChanges;
        streams = new KafkaStreams(topology(), configuration, new ReportingClients());
    }

    static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(LINES, Consumed.with(Serdes.String(), Serdes.String()))
                .flatMapValues(line -> List.of(line.split(" ")))
                .groupBy((_, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
                .count(Materialized.as(STORE))
                .toStream()
                .to(TOTALS, Produced.with(Serdes.String(), Serdes.Long()));
        return builder.build();
    }

    /**
     * Runs until its standard input ends, or until it is told to close.
     *
     * @param arguments when it is to stand still, and then {@code key=value} pairs
     */
    public static void main(String[] arguments) throws IOException {
        Properties configuration = new Properties();
        for (String pair : Arrays.asList(arguments).subList(1, arguments.length)) {
            String[] words = pair.split("=", 2);
            configuration.put(words[0], words[1]);
        }
        new WordCountInstance(configuration, Long.parseLong(arguments[0])).run();
        Runtime.getRuntime().halt(0);
    }

    private void run() throws IOException {
        long start = System.nanoTime();
        streams.setGlobalStateRestoreListener(new Restored());
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            say("!", e.toString().replace('\n', ' '));
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((state, _) -> {
            if (state == KafkaStreams.State.RUNNING) {
                say(RUNNING, (System.nanoTime() - start) / 1_000_000);
            }
        });
        streams.start();
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        for (String line = orders.readLine(); line != null; line = orders.readLine()) {
            String[] order = line.split("\t", -1);
            switch (order[0]) {
                case "tasks" -> say("=", tasks());
                case "go" -> goOn(Long.parseLong(order[1]));
                case "dump" -> say("=", dump(Path.of(order[1])));
                case "close" -> {
                    streams.close();
                    say("=");
                    return;
                }
                default -> throw new IllegalArgumentException(line);
            }
        }
    }

    private synchronized void say(Object... words) {
        out.println(Arrays.stream(words).map(Object::toString).collect(Collectors.joining("\t")));
    }

    private String tasks() {
        return streams.metadataForLocalThreads().stream()
                .flatMap(thread -> thread.activeTasks().stream())
                .map(task -> task.taskId().toString())
                .sorted()
                .collect(Collectors.joining(" "));
    }

    private void goOn(long changes) {
        standBehindChanges = changes;
        go.release();
    }

    /** Writes what its stores hold to a file. */
    private long dump(Path file) throws IOException {
        List<String> lines = new ArrayList<>();
        try (KeyValueIterator<String, Long> counts =
                streams.store(
                                StoreQueryParameters.fromNameAndType(
                                        STORE, QueryableStoreTypes.<String, Long>keyValueStore()))
                        .all()) {
            counts.forEachRemaining(count -> lines.add(count.key + "\t" + count.value));
        }
        Files.write(file, lines);
        return lines.size();
    }

    private final class Restored implements StateRestoreListener {
        @Override
        public void onRestoreStart(TopicPartition changelog, String store, long start, long end) {}

        @Override
        public void onBatchRestored(TopicPartition changelog, String store, long end, long count) {}

        @Override
        public void onRestoreEnd(TopicPartition changelog, String store, long total) {
            say(RESTORED, store, changelog.partition(), total);
        }
    }

    private final class ReportingClients extends DefaultKafkaClientSupplier {
        @Override
        public Producer<byte[], byte[]> getProducer(Map<String, Object> configuration) {
            return new ReportingProducer(configuration);
        }
    }

    /**
     * A producer that one thread uses. Only what it is told about acknowledged records comes from
     * another thread.
     */
    private final class ReportingProducer extends KafkaProducer<byte[], byte[]> {
        private final Map<TopicPartition, Long> acknowledged = new ConcurrentHashMap<>();

        /** For each store, the number of commits before its last change. */
        private final Map<TopicPartition, Long> commitsBefore = new HashMap<>();

        /**
         * For each changelog, the last offset that was committed before the store's last change.
         */
        private final Map<TopicPartition, Long> covered = new HashMap<>();

        private long changes;
        private long changesSinceCommit;
        private long commits;

        private ReportingProducer(Map<String, Object> configuration) {
            super(configuration, new ByteArraySerializer(), new ByteArraySerializer());
        }

        @Override
        public Future<RecordMetadata> send(
                ProducerRecord<byte[], byte[]> change, Callback callback) {
            if (!change.topic().endsWith(STORE + "-changelog")) {
                return super.send(change, callback);
            }
            note(new TopicPartition(change.topic(), change.partition()));
            return super.send(
                    change,
                    (metadata, e) -> {
                        if (e == null) {
                            acknowledged.put(
                                    new TopicPartition(metadata.topic(), metadata.partition()),
                                    metadata.offset());
                        }
                        callback.onCompletion(metadata, e);
                    });
        }

        private void note(TopicPartition changelog) {
            Long before = commitsBefore.put(changelog, commits);
            if (before == null || before != commits) {
                covered.put(changelog, acknowledged.getOrDefault(changelog, -1L));
            }
            changes++;
            changesSinceCommit++;
            if (standBehindChanges > NEVER
                    && changes >= standBehindChanges
                    && changesSinceCommit >= CHANGES_SINCE_COMMIT
                    && commits >= COMMITS) {
                standStill();
            }
        }

        private void standStill() {
            flush(); // so that the broker has what it will undo
            say(
                    STANDING,
                    covered.entrySet().stream()
                            .map(each -> each.getKey().partition() + "=" + each.getValue())
                            .collect(Collectors.joining("\t")));
            go.acquireUninterruptibly();
        }

        @Override
        public void commitTransaction() {
            if (standBehindChanges == BEFORE_COMMIT) {
                standStill();
            }
            super.commitTransaction();
            commits++;
            changesSinceCommit = 0;
        }
    }
}
