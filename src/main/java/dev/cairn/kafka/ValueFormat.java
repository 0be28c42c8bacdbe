package dev.cairn.kafka;

import org.apache.kafka.common.utils.ByteUtils;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/** The layout that Kafka Streams gives the bytes of a store's values. */
enum ValueFormat {
    /** The serialized value alone. */
    PLAIN(0) {
        @Override
        Parts parts(ByteBuffer stored) {
            return new Parts(NO_TIMESTAMP, rest(stored));
        }
    },
    /** The record's timestamp in 8 bytes, big-endian, then the serialized value. */
    TIMESTAMPED(1) {
        @Override
        Parts parts(ByteBuffer stored) {
            return new Parts(stored.getLong(), rest(stored));
        }
    },
    /**
     * The length of the headers as a variable-length integer, the headers, then the same as {@link
     * #TIMESTAMPED}.
     */
    HEADERS(2) {
        @Override
        Parts parts(ByteBuffer stored) {
            int headers = ByteUtils.readVarint(stored);
            if (headers < 0 || headers > stored.remaining()) {
                throw new BufferUnderflowException();
            }
            stored.position(stored.position() + headers);
            return TIMESTAMPED.parts(stored);
        }
    };

    /** The timestamp that Kafka gives a record without one. */
    static final long NO_TIMESTAMP = -1;

    private final int code;

    ValueFormat(int code) {
        this.code = code;
    }

    /** The number that stands for the format in a store's file. */
    int code() {
        return code;
    }

    /**
     * @throws IllegalArgumentException if no format has this code
     */
    static ValueFormat of(int code) {
        for (ValueFormat each : values()) {
            if (each.code == code) {
                return each;
            }
        }
        throw new IllegalArgumentException("unknown format of values: code " + code);
    }

    /**
     * The parts of a stored value.
     *
     * @param timestamp milliseconds since 1970, or {@link #NO_TIMESTAMP} if there is none
     * @param value the serialized value
     */
    record Parts(long timestamp, byte[] value) {}

    /**
     * @throws BufferUnderflowException or {@link IllegalArgumentException} if the bytes do not have
     *     this format
     */
    abstract Parts parts(ByteBuffer stored);

    private static byte[] rest(ByteBuffer stored) {
        byte[] rest = new byte[stored.remaining()];
        stored.get(rest);
        return rest;
    }
}
