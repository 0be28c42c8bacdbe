package dev.cairn.kafka;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.query.Position;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;

/**
 * What a store knows about itself. It keeps this as one entry among the others, so that a
 * checkpoint holds both.
 *
 * @param format the format of the store's values
 * @param offsets the offsets of the changelog that were last committed
 * @param position the position in the topics whose records the entries come from
 */
record Committed(ValueFormat format, Map<TopicPartition, Long> offsets, Position position) {
    /**
     * The version of the encoding, which is its first byte. It must be raised with each change of
     * what follows.
     */
    private static final int VERSION = 1;

    byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            out.writeByte(format.code());
            write(out, offsets);
            write(out, partitions(position));
        } catch (IOException e) {
            throw new UncheckedIOException("an array cannot be written to", e);
        }
        return bytes.toByteArray();
    }

    /**
     * @throws IOException if the bytes are not what {@link #encode} made; the message says where
     */
    static Committed decode(byte[] encoded) throws IOException {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(encoded))) {
            int version = in.readUnsignedByte();
            if (version != VERSION) {
                throw new IOException("version " + version + " where " + VERSION + " was expected");
            }
            ValueFormat format = ValueFormat.of(in.readUnsignedByte());
            Map<TopicPartition, Long> offsets = read(in);
            Map<String, Map<Integer, Long>> position = new HashMap<>();
            read(in).forEach((partition, offset) ->
                    position.computeIfAbsent(partition.topic(), _ -> new HashMap<>())
                            .put(partition.partition(), offset));
            if (in.available() > 0) {
                throw new IOException(in.available() + " more bytes than expected");
            }
            return new Committed(format, offsets, Position.fromMap(position));
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static Map<TopicPartition, Long> partitions(Position position) {
        Map<TopicPartition, Long> all = new HashMap<>();
        for (String topic : position.getTopics()) {
            position.getPartitionPositions(topic)
                    .forEach((partition, offset) ->
                            all.put(new TopicPartition(topic, partition), offset));
        }
        return all;
    }

    private static void write(DataOutputStream out, Map<TopicPartition, Long> numbers)
            throws IOException {
        out.writeInt(numbers.size());
        for (Map.Entry<TopicPartition, Long> each : numbers.entrySet()) {
            out.writeUTF(each.getKey().topic());
            out.writeInt(each.getKey().partition());
            out.writeLong(each.getValue());
        }
    }

    private static Map<TopicPartition, Long> read(DataInputStream in) throws IOException {
        Map<TopicPartition, Long> numbers = new HashMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            TopicPartition partition = new TopicPartition(in.readUTF(), in.readInt());
            numbers.put(partition, in.readLong());
        }
        return numbers;
    }
}
