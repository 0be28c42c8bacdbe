package dev.cairn.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.bench.processes.Arguments;
import dev.cairn.bench.processes.ChildJvm;
import dev.cairn.bench.processes.Scratch;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * What native access gains: JVMs with it and without it do the same work and take turns. See
 * docs/benchmarks.md for how to run it.
 */
public final class NativeAccess {
    private static final String FLAG = "--enable-native-access=ALL-UNNAMED";
    private static final int ENTRIES = 1_000_000;
    private static final int OPERATIONS = 3_000_000;
    private static final int VALUE_BYTES = 100;
    private static final int WARM_UP = 2_000;
    private static final int ANSWERS = 5_000;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final byte[] QUESTION = "question".getBytes(UTF_8);
    private static final byte[] ANSWER = "answer".getBytes(UTF_8);

    private NativeAccess() {}

    public static void main(String... given) throws IOException, InterruptedException {
        Arguments arguments = new Arguments(given);
        int rounds = arguments.takeInt("rounds", 5);
        Path directory = Path.of(arguments.take("directory", "target"));
        String part = arguments.take("part", "");
        arguments.requireNoMore();
        switch (part) {
            case "" -> compare(rounds, directory);
            case "measure" -> measure(directory);
            default -> answer(Path.of(part));
        }
    }

    private static void compare(int rounds, Path directory)
            throws IOException, InterruptedException {
        Map<String, List<Double>> figures = new TreeMap<>();
        for (int round = 0; round < rounds; round++) {
            for (int turn = 0; turn < 2; turn++) {
                boolean allowed = (turn + round) % 2 == 0;
                try (Scratch scratch = Scratch.create(directory, "native")) {
                    Process child = start(allowed, "part=measure", "directory=" + scratch.path());
                    List<String> lines = child.inputReader(UTF_8).lines().toList();
                    if (child.waitFor() != 0) {
                        throw new IOException("a JVM ended with " + child.exitValue());
                    }
                    for (String line : lines) {
                        int colon = line.indexOf(':');
                        figures.computeIfAbsent(
                                        line.substring(0, colon)
                                                + (allowed ? ", with" : ", without"),
                                        _ -> new ArrayList<>())
                                .add(Double.parseDouble(line.substring(colon + 1)));
                    }
                }
            }
        }
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        System.out.printf(Locale.ROOT, "load at the end: %.1f%n", load);
        figures.forEach((what, values) -> {
            values.sort(null);
            System.out.printf(
                    Locale.ROOT,
                    "%-30s %9.2f  (%.2f to %.2f)%n",
                    what,
                    values.get(values.size() / 2),
                    values.getFirst(),
                    values.getLast());
        });
    }

    private static Process start(boolean allowed, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(ChildJvm.java());
        if (allowed) {
            command.add(FLAG);
        }
        command.add("-Xmx1g");
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(NativeAccess.class.getName());
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    private static void measure(Path directory) throws IOException, InterruptedException {
        ChildJvm.endWithParent();
        try (CairnStore store = Cairn.open(directory.resolve("points"))) {
            SplittableRandom random = new SplittableRandom(1);
            byte[] value = new byte[VALUE_BYTES];
            report("load, ns", ENTRIES, i -> store.put(key(i), value));
            report("put, ns", OPERATIONS, _ -> store.put(key(random.nextInt(ENTRIES)), value));
            report(
                    "get, ns",
                    OPERATIONS,
                    _ -> requireLong(store.get(key(random.nextInt(ENTRIES)))));
            long start = System.nanoTime();
            store.checkpoint();
            System.out.println("checkpoint, us:" + (System.nanoTime() - start) / 1e3);
        }
        talk(directory);
    }

    private interface Work {
        void accept(int i);
    }

    private static void report(String what, int times, Work work) {
        long start = System.nanoTime();
        for (int i = 0; i < times; i++) {
            work.accept(i);
        }
        System.out.println(what + ":" + (System.nanoTime() - start) / (double) times);
    }

    private static byte[] key(int i) {
        return ByteBuffer.allocate(16).putInt(i).array();
    }

    private static void requireLong(byte[] value) {
        if (value == null || value.length != VALUE_BYTES) {
            throw new IllegalStateException("a wrong value");
        }
    }

    /**
     * The options of two processes that answer each other. Neither spins; each sleeps until it is
     * woken.
     */
    private static Options sleeping() {
        return Options.defaults()
                .withDurability(Durability.NONE)
                .withStripes(2)
                .withSpinning(Duration.ZERO);
    }

    private static void talk(Path directory) throws IOException, InterruptedException {
        Path file = directory.resolve("talk");
        try (CairnStore store = Cairn.open(file, sleeping())) {
            boolean allowed = NativeAccess.class.getModule().isNativeAccessEnabled();
            Process other = start(allowed, "part=" + file);
            long heard = 0;
            List<Double> micros = new ArrayList<>();
            for (int i = 0; i < WARM_UP + ANSWERS; i++) {
                long start = System.nanoTime();
                store.put(QUESTION, key(i));
                long version = store.awaitChange(ANSWER, heard, PATIENCE);
                if (version == heard) {
                    throw new IllegalStateException("no answer");
                }
                heard = version;
                if (i >= WARM_UP) {
                    micros.add((System.nanoTime() - start) / 2e3);
                }
            }
            micros.sort(null);
            System.out.println("half a round trip, us, p50:" + micros.get(ANSWERS / 2));
            System.out.println("half a round trip, us, p99:" + micros.get(ANSWERS * 99 / 100));
            ChildJvm.kill(other);
        }
    }

    private static void answer(Path file) throws IOException, InterruptedException {
        ChildJvm.endWithParent();
        try (CairnStore store = Cairn.open(file, sleeping())) {
            long heard = 0;
            while (true) {
                long version = store.awaitChange(QUESTION, heard, PATIENCE);
                if (version == heard) {
                    throw new IllegalStateException("no question");
                }
                heard = version;
                store.put(ANSWER, QUESTION);
            }
        }
    }
}
