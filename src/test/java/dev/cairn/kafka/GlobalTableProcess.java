package dev.cairn.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.Properties;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;

/**
 * The program that runs in a child JVM. It either maintains a global table of {@link Fact facts} in
 * Cairn, or reads the store of that table meanwhile and judges what it reads. It says {@code
 * ready}. A line of its standard input, or the end of that, then stops it.
 */
public final class GlobalTableProcess {
    static final String TOPIC = "facts";
    static final String STORE = "facts-table";
    static final String APPLICATION = "global-table";
    static final int KEYS = 500;

    private GlobalTableProcess() {}

    /**
     * Runs until it is told to stop.
     *
     * @param arguments either {@code maintain}, the directory of state and the broker's address; or
     *     {@code read}, that directory and a seed
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path state = Path.of(arguments[1]);
        switch (arguments[0]) {
            case "maintain" -> maintain(state, arguments[2]);
            case "read" -> read(state, new SplittableRandom(Long.parseLong(arguments[2])));
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        Runtime.getRuntime().halt(0);
    }

    private static void maintain(Path state, String broker)
            throws IOException, InterruptedException {
        StreamsBuilder builder = new StreamsBuilder();
        builder.globalTable(
                TOPIC,
                Consumed.with(Serdes.String(), Serdes.ByteArray()),
                Materialized.<String, byte[]>as(CairnStores.globalKeyValueStore(STORE))
                        .withCachingDisabled());
        Properties configuration = new Properties();
        configuration.put(StreamsConfig.APPLICATION_ID_CONFIG, APPLICATION);
        configuration.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
        configuration.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        configuration.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        try (KafkaStreams streams = new KafkaStreams(builder.build(), configuration)) {
            CountDownLatch running = new CountDownLatch(1);
            streams.setStateListener((now, _) -> {
                if (now == KafkaStreams.State.RUNNING) {
                    running.countDown();
                }
            });
            streams.start();
            running.await();
            System.out.println("ready");
            String _ = orders().readLine();
        }
        System.out.println("=");
    }

    private static BufferedReader orders() {
        return new BufferedReader(new InputStreamReader(System.in, UTF_8));
    }

    private static void read(Path state, SplittableRandom random) throws IOException {
        Path file = CairnStores.globalStoreFile(state, APPLICATION, STORE);
        BufferedReader orders = orders();
        long[] seen = new long[KEYS];
        long reads = 0;
        long changes = 0;
        try (CairnTable<String, byte[]> table =
                CairnStores.openReadOnly(file, Serdes.String(), Serdes.ByteArray())) {
            System.out.println("ready");
            long start = System.nanoTime();
            while (!orders.ready()) {
                for (int i = 0; i < 1_000; i++) {
                    int key = random.nextInt(KEYS);
                    long number = numberOf(table, key);
                    if (number < seen[key]) {
                        throw new AssertionError(
                                Fact.key(key) + ": " + number + " was read behind " + seen[key]);
                    }
                    changes += number > seen[key] ? 1 : 0;
                    seen[key] = number;
                    reads++;
                }
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            long sum = 0;
            for (int key = 0; key < KEYS; key++) {
                sum += numberOf(table, key);
            }
            System.out.printf("=\t%d\t%d\t%.2f\t%d%n", reads, changes, seconds, sum);
        }
    }

    /** The number of a key's value, or 0 if the key is absent. */
    static long numberOf(CairnTable<String, byte[]> table, int key) {
        byte[] value = table.get(Fact.key(key));
        return value == null ? 0 : Fact.number(key, value);
    }
}
