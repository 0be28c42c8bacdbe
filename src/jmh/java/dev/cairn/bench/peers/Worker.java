package dev.cairn.bench.peers;

import dev.cairn.bench.processes.ChildJvm;
import dev.cairn.bench.processes.Usage;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Measures one entrant in this JVM. It loads the store and ages it. Then it does each operation
 * until the compiler has come to rest, and measures windows.
 */
final class Worker implements AutoCloseable {
    /** For how many seconds in a row the compiler must rest. */
    private static final int RESTING = 2;

    private static final List<Double> PERCENTILES = List.of(50.0, 90.0, 99.0, 99.9, 99.99);
    private static final int UNMEASURED_SYNCS = 2;
    private static final Path MAPPINGS = Path.of("/proc/self/smaps");
    private static final Pattern MAPPING = Pattern.compile("[0-9a-f]+-[0-9a-f]+ ");
    private static final Operation OVERWRITE = Operation.of("put-1");

    private final Setting setting;
    private final Entrant entrant;
    private final int round;
    private final Path directory;
    private final Consumer<Row> out;
    private final Peer peer;
    private final List<Keys> streams = new ArrayList<>();
    private Optional<Syncer> syncer = Optional.empty();
    private final List<OtherProcess> others = new ArrayList<>();

    private Worker(Setting setting, String name, int round, Path directory, Consumer<Row> out)
            throws Exception {
        this.setting = setting;
        this.entrant = Entrant.of(name);
        this.round = round;
        this.directory = directory;
        this.out = out;
        this.peer = entrant.open(directory, setting);
    }

    /**
     * The arguments are the entrant, round, directory, and those of the setting. Rows go to the
     * standard output.
     */
    public static void main(String[] arguments) throws Exception {
        PrintStream rows = System.out;
        System.setOut(System.err); // what libraries print is no row
        ChildJvm.endWithParent();
        measure(
                Setting.of(Jvm.settingOf(arguments)),
                arguments[0],
                Integer.parseInt(arguments[1]),
                Path.of(arguments[2]),
                row -> rows.println(row.line()));
        System.exit(0); // whatever threads a library leaves
    }

    /** Measures an entrant in this JVM. */
    static void measure(Setting setting, String name, int round, Path directory, Consumer<Row> out)
            throws Exception {
        try (Worker worker = new Worker(setting, name, round, directory, out)) {
            worker.run();
        }
    }

    private void run() throws Exception {
        if (entrant.syncs() != Entrant.Syncs.NEVER && !peer.syncsItself()) {
            syncer = Optional.of(new Syncer(peer, entrant.periodMillis()));
        }
        load();
        overwrite((long) setting.turnovers() * setting.entries());
        if (entrant.syncs() == Entrant.Syncs.MANUAL) {
            closeSyncer();
        }
        for (Operation operation : setting.operations()) {
            if (operation.isFor(entrant, peer)) {
                measure(operation);
            }
        }
    }

    private void load() throws Exception {
        try (Client client = new Client(peer, setting, streams(1).getFirst())) {
            Usage before = usage();
            client.load(setting.entries());
            Usage after = usage();
            double rate = setting.entries() / (after.wall() - before.wall());
            out.accept(Row.since(before, after, "load", "1/s", rate));
        }
    }

    private void overwrite(long count) throws Exception {
        Keys keys = streams(1).getFirst();
        keys.chooseByZipf(false);
        try (Client client = new Client(peer, setting, keys)) {
            for (long left = count; left > 0; left -= Math.min(left, 1000)) {
                client.work(OVERWRITE.readPercent(), (int) Math.min(left, 1000));
            }
        }
    }

    private void measure(Operation operation) throws Exception {
        switch (operation.kind()) {
            case LOAD -> {} // measured before
            case SYNC -> syncs(operation);
            case SPACE -> space(operation);
            case MEMORY -> memory(operation);
            case RATE, LATENCY -> windows(operation);
        }
    }

    private void windows(Operation operation) throws Exception {
        while (others.size() < operation.processes() - 1) {
            int number = others.size() + 1;
            others.add(new OtherProcess(setting, entrant.name(), round, number, directory));
        }
        int resting = 0;
        for (double passed = 0; passed < setting.warmup() && resting < RESTING; passed++) {
            syncByHand();
            Usage before = usage();
            double compilingThere = window(operation, Math.min(1, setting.warmup())).compiling();
            double compiling = usage().compilingSince(before) + compilingThere;
            resting = compiling > Row.MAX_COMPILING ? 0 : resting + 1;
        }
        for (int i = 0; i < setting.windows(); i++) {
            syncByHand();
            Usage before = usage();
            Together all = window(operation, setting.seconds());
            Usage after = usage();
            if (operation.kind() == Operation.Kind.RATE) {
                out.accept(Row.since(before, after, operation.name(), "1/s", all.rate()));
            } else {
                percentiles(operation.name(), all.puts(), before, after);
            }
        }
    }

    private void percentiles(String name, Histogram puts, Usage before, Usage after) {
        for (double percentile : PERCENTILES) {
            String what = name + " p" + Double.toString(percentile).replaceFirst("\\.0$", "");
            double micros = puts.getValueAtPercentile(percentile) / 1e3;
            out.accept(Row.since(before, after, what, "us", micros));
        }
        double longest = puts.getMaxValue() / 1e3;
        out.accept(Row.since(before, after, name + " longest", "us", longest));
    }

    private void syncByHand() throws Exception {
        if (entrant.syncs() == Entrant.Syncs.MANUAL && peer.hasFiles()) {
            peer.sync();
        }
    }

    /**
     * What all processes did together, and how many processors the compilers of the others used.
     */
    private record Together(double rate, Histogram puts, double compiling) {}

    private Together window(Operation operation, double seconds) throws Exception {
        List<Keys> own = streams(operation.threads());
        List<OtherProcess> with = others.subList(0, operation.processes() - 1);
        for (OtherProcess other : with) {
            other.begin(operation, seconds);
        }
        Window here = Window.of(peer, setting, operation, own, seconds);
        double rate = here.rate();
        double compiling = 0;
        for (OtherProcess other : with) {
            OtherProcess.Answer answer = other.answer();
            rate += answer.rate();
            compiling += answer.compiling();
        }
        return new Together(rate, here.puts(), compiling);
    }

    private void syncs(Operation operation) throws Exception {
        for (int i = -UNMEASURED_SYNCS; i < setting.windows(); i++) {
            overwrite(operation.overwrites());
            Usage before = usage();
            peer.sync();
            Usage after = usage();
            double millis = (after.wall() - before.wall()) * 1e3;
            if (i >= 0) {
                out.accept(Row.since(before, after, operation.name(), "ms", millis));
            }
        }
    }

    private void space(Operation operation) throws Exception {
        Usage before = usage();
        overwrite((long) setting.turnovers() * setting.entries());
        out.accept(Row.since(before, usage(), operation.name(), "x", bytesOnDisk() / live()));
    }

    private double live() {
        return (double) setting.entries() * (setting.keyBytes() + setting.valueBytes());
    }

    /**
     * Measures the memory, without the heap. A page that is mapped twice counts twice as resident,
     * and once proportionally.
     */
    private void memory(Operation operation) throws IOException {
        Usage before = usage();
        double resident = mappedBytes("Rss:") / live();
        double once = mappedBytes("Pss:") / live();
        double files = fileBytes() / live();
        Usage after = usage();
        out.accept(Row.since(before, after, operation.name() + " resident", "x", resident));
        out.accept(Row.since(before, after, operation.name() + " once", "x", once));
        out.accept(Row.since(before, after, operation.name() + " files", "x", files));
    }

    /** The bytes of the store's files that this process has mapped, as the kernel counts them. */
    private double mappedBytes(String measure) throws IOException {
        String files = directory.toRealPath() + "/";
        double bytes = 0;
        boolean ours = false;
        for (String line : Files.readAllLines(MAPPINGS)) {
            if (MAPPING.matcher(line).lookingAt()) {
                ours = line.contains(files);
            } else if (ours && line.startsWith(measure)) {
                bytes += Double.parseDouble(line.split("\\s+", 3)[1]) * 1024;
            }
        }
        return bytes;
    }

    private long fileBytes() throws IOException {
        long bytes = 0;
        try (var files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }

    /** The bytes that are allocated. Files may have holes, or room that was never written. */
    private double bytesOnDisk() throws IOException {
        Process process = new ProcessBuilder("du", "-s", "-B1", directory.toString()).start();
        String answer = new String(process.getInputStream().readAllBytes(), Jvm.CHARSET);
        return Double.parseDouble(answer.split("\\s", 2)[0]);
    }

    private List<Keys> streams(int threads) {
        while (streams.size() < threads) {
            streams.add(new Keys(setting.entries(), round, 0, streams.size()));
        }
        return streams.subList(0, threads);
    }

    private Usage usage() throws IOException {
        return Usage.now(others.stream().map(OtherProcess::handle).toList());
    }

    private void closeSyncer() {
        if (syncer.isPresent()) {
            syncer.get().close();
            syncer = Optional.empty();
        }
    }

    @Override
    public void close() throws IOException {
        for (OtherProcess other : others) {
            other.close();
        }
        closeSyncer();
        peer.close();
    }
}
