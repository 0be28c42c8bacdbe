package dev.cairn.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * Attacks the broker that the tests of Kafka Streams use: it must hand over what it is given, and
 * leave no thread behind.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BrokerIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir Path directory;

    @Test
    void whatIsProducedIsConsumedAndNoThreadStaysBehind() throws Exception {
        Set<Thread> before = new HashSet<>(Thread.getAllStackTraces().keySet());
        try (Broker broker = new Broker(directory)) {
            broker.create("topic", 1);
            try (KafkaProducer<byte[], byte[]> producer = broker.producer();
                    KafkaConsumer<byte[], byte[]> consumer = broker.consumer("topic")) {
                producer.send(new ProducerRecord<>("topic", "said".getBytes(UTF_8))).get();
                Iterable<ConsumerRecord<byte[], byte[]>> records = consumer.poll(PATIENCE);
                assertThat(StreamSupport.stream(records.spliterator(), false))
                        .extracting(each -> new String(each.value(), UTF_8))
                        .containsExactly("said");
            }
        }
        Set<Thread> left =
                Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> !before.contains(thread))
                        .filter(thread -> thread.getThreadGroup() != null)
                        .filter(thread -> !"system".equals(thread.getThreadGroup().getName()))
                        // Kafka has two of these threads in a JVM, however many brokers there were.
                        .filter(thread -> !thread.getName().startsWith("metrics-meter-tick"))
                        .collect(Collectors.toSet());
        for (Thread thread : left) {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        }
        assertThat(left).filteredOn(Thread::isAlive).isEmpty();
    }
}
