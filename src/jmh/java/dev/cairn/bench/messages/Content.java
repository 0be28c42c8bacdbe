package dev.cairn.bench.messages;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * The content of messages of one size. A message consists of a word with sequence number and phase,
 * bytes that are the same in all messages, and a last word that depends on the first. Whoever
 * receives a message reads all of it.
 */
final class Content {
    /** A first word, a last word, and something between. */
    static final int LEAST_BYTES = 3 * Long.BYTES;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final long MIX = 0x9E3779B97F4A7C15L;

    private final int bytes;
    private final byte[] middle;
    private final long sum;

    Content(int bytes) {
        if (bytes < LEAST_BYTES) {
            throw new IllegalArgumentException("shorter than " + LEAST_BYTES + ": " + bytes);
        }
        this.bytes = bytes;
        this.middle = new byte[bytes - 2 * Long.BYTES];
        new SplittableRandom(7).nextBytes(middle);
        this.sum = sum(MemorySegment.ofArray(middle), 0, middle.length);
    }

    int bytes() {
        return bytes;
    }

    /** Writes what is the same in all messages. */
    void fill(MemorySegment memory, long at) {
        MemorySegment.copy(
                middle, 0, memory, ValueLayout.JAVA_BYTE, at + Long.BYTES, middle.length);
    }

    /** Writes what turns filled memory into this message. */
    void stamp(MemorySegment memory, long at, long sequence, Phase phase) {
        long first = sequence << Phase.BITS | phase.code;
        memory.set(WORD, at, first);
        memory.set(WORD, at + bytes - Long.BYTES, last(first));
    }

    /** The sequence number of the message that lies there. */
    static long sequence(MemorySegment memory, long at) {
        return memory.get(WORD, at) >>> Phase.BITS;
    }

    /**
     * Reads every byte of a message.
     *
     * @throws IllegalStateException if it is not the whole message with that number
     */
    Phase check(MemorySegment memory, long at, long sequence) {
        long first = memory.get(WORD, at);
        if (first >>> Phase.BITS != sequence
                || memory.get(WORD, at + bytes - Long.BYTES) != last(first)
                || sum(memory, at + Long.BYTES, middle.length) != sum) {
            throw new IllegalStateException(
                    "message " + sequence + " is lost or wrong; there is " + sequence(memory, at));
        }
        return Phase.of(first);
    }

    private static long last(long first) {
        return first * MIX;
    }

    private static long sum(MemorySegment memory, long from, int count) {
        int words = count / Long.BYTES;
        long sum = 0;
        for (int i = 0; i < words; i++) {
            sum += memory.get(WORD, from + (long) i * Long.BYTES);
        }
        for (int i = words * Long.BYTES; i < count; i++) {
            sum += memory.get(ValueLayout.JAVA_BYTE, from + i);
        }
        return sum;
    }
}
