package dev.cairn.bench.peers;

import dev.cairn.bench.processes.Scratch;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Compares two builds of Cairn in one JVM. Each has a class loader and a store of its own, and
 * their windows take turns. So whatever happens to the machine happens to both. The median of the
 * ratios then shows differences of a few per cent, which {@link PeerBenchmark} cannot show. See
 * docs/benchmarks.md for how to run it, and {@link Setting} for its arguments. {@code before} is
 * the other build, {@code windows} the number of pairs.
 */
final class PairedBenchmark {
    private static final int UNMEASURED = 5;
    private static final String ENTRANT = "cairn";

    private PairedBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        compare(Setting.of(arguments), System.out);
    }

    /** Prints a line for each operation. */
    static void compare(Setting setting, PrintStream out) throws Exception {
        if (setting.before().isEmpty()) {
            throw new IllegalArgumentException("takes before=CLASSPATH");
        }
        Files.createDirectories(setting.directory());
        Path scratch = Files.createTempDirectory(setting.directory(), "paired");
        try (Build before = new Build(Jvm.classPathWith(setting.before()), setting, scratch);
                Build now = new Build(System.getProperty("java.class.path"), setting, scratch)) {
            out.printf(
                    "%-16s %12s %12s %8s %17s%n",
                    "operation", "before, 1/s", "now, 1/s", "ratio", "middle half");
            for (Operation operation : setting.operations()) {
                out.println(compare(operation.name(), before, now, setting.windows()));
            }
        } finally {
            Scratch.delete(scratch);
        }
    }

    private static String compare(String operation, Build before, Build now, int pairs) {
        double[] rates = new double[pairs];
        double[] ratesBefore = new double[pairs];
        double[] ratios = new double[pairs];
        for (int pair = -UNMEASURED; pair < pairs; pair++) {
            boolean first = pair % 2 == 0;
            double one = (first ? before : now).rate(operation);
            double other = (first ? now : before).rate(operation);
            if (pair >= 0) {
                ratesBefore[pair] = first ? one : other;
                rates[pair] = first ? other : one;
                ratios[pair] = rates[pair] / ratesBefore[pair];
            }
        }
        return "%-16s %,12.0f %,12.0f %8.3f %8.3f-%8.3f"
                .formatted(
                        operation,
                        quartile(ratesBefore, 2),
                        quartile(rates, 2),
                        quartile(ratios, 2),
                        quartile(ratios, 1),
                        quartile(ratios, 3));
    }

    private static double quartile(double[] figures, int quarters) {
        double[] sorted = figures.clone();
        Arrays.sort(sorted);
        return sorted[Math.min(sorted.length - 1, sorted.length * quarters / 4)];
    }

    /** A build with a store of its own, which is loaded and aged. */
    private static final class Build implements Closeable {
        private final URLClassLoader loader;
        private final ToDoubleFunction<String> side;

        @SuppressWarnings("unchecked") // another loader's, so known by interfaces of the JDK only
        Build(String classPath, Setting setting, Path scratch) throws Exception {
            List<URL> urls = new ArrayList<>();
            for (String each : classPath.split(File.pathSeparator, -1)) {
                urls.add(Path.of(each).toUri().toURL());
            }
            loader =
                    new URLClassLoader(
                            urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
            side =
                    (ToDoubleFunction<String>)
                            loader.loadClass(Side.class.getName())
                                    .getConstructor(String[].class, String.class)
                                    .newInstance(
                                            setting.arguments().toArray(String[]::new),
                                            Files.createTempDirectory(scratch, "store").toString());
        }

        double rate(String operation) {
            return side.applyAsDouble(operation);
        }

        @Override
        public void close() throws IOException {
            ((Closeable) side).close();
            loader.close();
        }
    }

    /** What a build does in its own class loader. */
    public static final class Side implements ToDoubleFunction<String>, Closeable {
        private final Setting setting;
        private final Peer peer;
        private final List<Keys> streams = new ArrayList<>();

        public Side(String[] arguments, String directory) throws Exception {
            setting = Setting.of(arguments);
            peer = Entrant.of(ENTRANT).open(Path.of(directory), setting);
            try (Client client = new Client(peer, setting, streams(1).getFirst())) {
                client.load(setting.entries());
                for (int turn = 0; turn < setting.turnovers(); turn++) {
                    client.work(0, setting.entries());
                }
            }
        }

        /** Returns the operations a second of one window. */
        @Override
        public double applyAsDouble(String name) {
            Operation operation = Operation.of(name);
            try {
                List<Keys> keys = streams(operation.threads());
                return Window.of(peer, setting, operation, keys, setting.seconds()).rate();
            } catch (Exception e) {
                throw new IllegalStateException(name, e);
            }
        }

        private List<Keys> streams(int threads) {
            while (streams.size() < threads) {
                streams.add(new Keys(setting.entries(), 0, 0, streams.size()));
            }
            return streams.subList(0, threads);
        }

        @Override
        public void close() throws IOException {
            peer.close();
        }
    }
}
