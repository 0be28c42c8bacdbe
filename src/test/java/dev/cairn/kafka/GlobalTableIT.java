package dev.cairn.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.process.Child;
import dev.cairn.process.Children;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.Serdes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks a global table that one process maintains in Cairn from a topic that is being written,
 * while two other processes read its store. No reader may see a torn value, nor an earlier one
 * again.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GlobalTableIT {
    private static final int PARTITIONS = 2;
    private static final int READERS = 2;
    private static final int ROUNDS = 100;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    @Test
    void noReaderSeesATornValueOrAnEarlierOneAgain() throws Exception {
        try (Broker broker = new Broker(directory)) {
            broker.create(GlobalTableProcess.TOPIC, PARTITIONS);
            Path state = directory.resolve("state");
            Child maintaining = start("maintain", state.toString(), broker.address());
            List<Child> readers =
                    Stream.iterate(1, seed -> seed + 1)
                            .limit(READERS)
                            .map(seed -> start("read", state.toString(), seed.toString()))
                            .toList();
            try (KafkaProducer<byte[], byte[]> producer = broker.producer()) {
                for (long number = 1; number <= ROUNDS; number++) {
                    putAll(producer, number);
                }
            }
            awaitAll(state);
            for (Child reader : readers) {
                reader.tell("stop");
                String[] words = reader.hear().split("\t", -1);
                assertThat(words).as("%s", String.join(" ", words)).hasSize(5);
                long reads = Long.parseLong(words[1]);
                System.out.printf(
                        "GlobalTableIT: %,d reads in %s s, %,.0f a second, %s of them of a new value%n",
                        reads, words[3], reads / Double.parseDouble(words[3]), words[2]);
                assertThat(Long.parseLong(words[2])).isGreaterThan(GlobalTableProcess.KEYS);
                assertThat(Long.parseLong(words[4]))
                        .isEqualTo((long) ROUNDS * GlobalTableProcess.KEYS);
            }
            maintaining.tell("stop");
            assertThat(maintaining.hear()).isEqualTo("=");
        }
    }

    private Child start(String... arguments) {
        Child child = children.start(GlobalTableProcess.class, directory, List.of(arguments));
        assertThat(child.hear()).isEqualTo("ready");
        return child;
    }

    /** Waits until the table has the last number of each key. */
    private static void awaitAll(Path state) {
        Path file =
                CairnStores.globalStoreFile(
                        state, GlobalTableProcess.APPLICATION, GlobalTableProcess.STORE);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try (CairnTable<String, byte[]> table =
                CairnStores.openReadOnly(file, Serdes.String(), Serdes.ByteArray())) {
            for (int key = 0; key < GlobalTableProcess.KEYS; key++) {
                while (GlobalTableProcess.numberOf(table, key) < ROUNDS) {
                    assertThat(System.nanoTime() - deadline)
                            .as("%s is %d", Fact.key(key), GlobalTableProcess.numberOf(table, key))
                            .isNegative();
                    LockSupport.parkNanos(1_000_000);
                }
            }
        }
    }

    private static void putAll(KafkaProducer<byte[], byte[]> producer, long number)
            throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int key = 0; key < GlobalTableProcess.KEYS; key++) {
            sent.add(
                    producer.send(
                            new ProducerRecord<>(
                                    GlobalTableProcess.TOPIC,
                                    Fact.key(key).getBytes(UTF_8),
                                    Fact.value(key, number))));
        }
        for (Future<RecordMetadata> each : sent) {
            each.get();
        }
    }
}
