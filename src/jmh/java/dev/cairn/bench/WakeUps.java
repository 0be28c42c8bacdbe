package dev.cairn.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;

import org.HdrHistogram.Histogram;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * How long after a write in one process a thread of another knows of it: waiting in {@code
 * awaitChange}, reading a pipe, or spinning on a word of a mapped file. The writer pauses between
 * writes, so that the other one sleeps, unless it spins. A program rather than a JMH benchmark: both
 * processes read the same monotonic clock. One argument: messages a way (20,000).
 */
public final class WakeUps {
    private static final byte[] KEY = "key".getBytes(UTF_8);
    private static final long PAUSE_NANOS = 200_000;
    private static final int WARM_UP = 2_000;
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private WakeUps() {}

    private enum Way {
        AWAIT_CHANGE,
        PIPE,
        SPINNING
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 3) {
            receive(
                    Way.valueOf(arguments[0]),
                    Path.of(arguments[1]),
                    Integer.parseInt(arguments[2]));
            return;
        }
        int messages = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 20_000;
        Path directory = Files.createTempDirectory(Path.of("target"), "wakeups");
        try {
            for (Way way : Way.values()) {
                send(way, directory, messages);
            }
        } finally {
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static void send(Way way, Path directory, int messages) throws Exception {
        Path words = directory.resolve("words");
        Files.write(words, new byte[Long.BYTES]);
        Process receiver =
                new ProcessBuilder(
                                List.of(
                                        ProcessHandle.current().info().command().orElseThrow(),
                                        "--enable-native-access=ALL-UNNAMED",
                                        "-cp",
                                        System.getProperty("java.class.path"),
                                        WakeUps.class.getName(),
                                        way.name(),
                                        directory.toString(),
                                        Integer.toString(messages)))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (CairnStore store = open(directory);
                Arena arena = Arena.ofShared();
                DataOutputStream pipe = new DataOutputStream(receiver.getOutputStream());
                DataInputStream answers = new DataInputStream(receiver.getInputStream())) {
            MemorySegment word = map(words, arena);
            for (int i = 0; i < messages + WARM_UP; i++) {
                int _ = answers.readByte(); // it is about to wait
                LockSupport.parkNanos(PAUSE_NANOS);
                switch (way) {
                    case AWAIT_CHANGE -> store.put(KEY, bytes(System.nanoTime()));
                    case PIPE -> {
                        pipe.writeLong(System.nanoTime());
                        pipe.flush();
                    }
                    case SPINNING -> WORD.setRelease(word, 0L, System.nanoTime());
                }
            }
            System.out.print(new String(answers.readAllBytes(), UTF_8));
        }
        receiver.waitFor();
    }

    private static void receive(Way way, Path directory, int messages) throws Exception {
        Histogram nanos = new Histogram(3);
        try (CairnStore store = open(directory);
                Arena arena = Arena.ofShared();
                DataInputStream pipe = new DataInputStream(System.in)) {
            MemorySegment word = map(directory.resolve("words"), arena);
            long version = 0;
            for (int i = 0; i < messages + WARM_UP; i++) {
                long before = (long) WORD.getAcquire(word, 0L);
                System.out.write(1);
                System.out.flush();
                long sent =
                        switch (way) {
                            case AWAIT_CHANGE -> {
                                version = store.awaitChange(KEY, version, Duration.ofMinutes(1));
                                yield value(store.get(KEY));
                            }
                            case PIPE -> pipe.readLong();
                            case SPINNING -> spin(word, before);
                        };
                if (i >= WARM_UP) {
                    nanos.recordValue(Math.max(0, System.nanoTime() - sent));
                }
            }
        }
        System.out.printf(
                "%-13s p50 %6.1f us  p90 %6.1f  p99 %6.1f  (%d messages)%n",
                way,
                nanos.getValueAtPercentile(50) / 1e3,
                nanos.getValueAtPercentile(90) / 1e3,
                nanos.getValueAtPercentile(99) / 1e3,
                messages);
    }

    private static long spin(MemorySegment word, long before) {
        long now;
        do {
            Thread.onSpinWait();
            now = (long) WORD.getAcquire(word, 0L);
        } while (now == before);
        return now;
    }

    private static CairnStore open(Path directory) {
        return Cairn.open(directory.resolve("store.cairn"), Options.defaults().withStripes(1));
    }

    private static MemorySegment map(Path file, Arena arena) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.map(MapMode.READ_WRITE, 0, Long.BYTES, arena);
        }
    }

    private static byte[] bytes(long value) {
        byte[] bytes = new byte[Long.BYTES];
        for (int i = 0; i < Long.BYTES; i++) {
            bytes[i] = (byte) (value >>> Byte.SIZE * i);
        }
        return bytes;
    }

    private static long value(byte[] bytes) {
        long value = 0;
        for (int i = 0; i < Long.BYTES; i++) {
            value |= (bytes[i] & 0xFFL) << Byte.SIZE * i;
        }
        return value;
    }
}
