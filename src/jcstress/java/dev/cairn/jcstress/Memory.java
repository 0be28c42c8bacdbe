package dev.cairn.jcstress;

import dev.cairn.format.Words;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A few words of a mapped file for each run of a test. jcstress makes runs by the thousand before
 * it starts the actors, and uses each run once.
 */
public abstract class Memory {
    /** This is more than the runs that exist at once, which are 40 strides of 256, twice. */
    private static final int RUNS = 1 << 16;

    private static final int LINE_BYTES = 64;
    private static final int RUN_BYTES = 2 * LINE_BYTES;
    private static final AtomicInteger NEXT = new AtomicInteger();

    static final MemorySegment FILE = map();

    /** One line of words, and another of what they publish. */
    final long words = (NEXT.getAndIncrement() & RUNS - 1) * (long) RUN_BYTES;

    final long content = words + LINE_BYTES;

    Memory() {
        for (int at = 0; at < RUN_BYTES; at += Long.BYTES) {
            Words.setPlain(FILE, words + at, 0);
        }
    }

    /** Stores two words by plain stores. */
    final void write(long value) {
        Words.setPlain(FILE, content, value);
        Words.setPlain(FILE, content + Long.BYTES, value);
    }

    /** Loads both words by plain loads. Returns their sum. */
    final int read() {
        return (int) (Words.plain(FILE, content) + Words.plain(FILE, content + Long.BYTES));
    }

    private static MemorySegment map() {
        try {
            Path file = Files.createTempFile("words", null);
            try (FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                return channel.map(MapMode.READ_WRITE, 0, RUNS * (long) RUN_BYTES, Arena.global());
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
