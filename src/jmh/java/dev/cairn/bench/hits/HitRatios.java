package dev.cairn.bench.hits;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Replays recorded and drawn requests through Cairn as a cache, and through caches in the heap with
 * as many bytes. A read that finds nothing puts the key. See docs/hit-ratios.md for how to run it,
 * and {@link Setting} for its arguments. It writes {@code cells.csv}, {@code summary.md} and {@code
 * hit-ratios.svg}.
 */
final class HitRatios {
    private final Setting setting;
    private final PrintStream log;

    private HitRatios(Setting setting, PrintStream log) {
        this.setting = setting;
        this.log = log;
    }

    public static void main(String[] arguments) throws Exception {
        Setting setting = Setting.of(arguments);
        HitRatios run = new HitRatios(setting, System.out);
        Files.createDirectories(setting.output());
        List<Cell> cells = setting.from().isEmpty() ? run.replayed() : read(setting.from());
        if (cells.isEmpty()) {
            throw new IllegalArgumentException("nothing was replayed");
        }
        Summary summary = new Summary(cells, Model.read(setting.model()));
        Files.writeString(setting.output().resolve("summary.md"), summary.markdown());
        Files.writeString(setting.output().resolve("hit-ratios.svg"), Chart.of(cells));
        System.out.println("The results are in " + setting.output());
    }

    private static List<Cell> read(String file) throws IOException {
        List<String> lines = Files.readAllLines(Path.of(file));
        if (lines.isEmpty() || !lines.getFirst().equals(Cell.header())) {
            throw new IOException(file + " does not begin with: " + Cell.header());
        }
        return lines.stream().skip(1).map(Cell::parse).toList();
    }

    /** The results in the order of the setting, whichever is done first. */
    private List<Cell> replayed() throws IOException, InterruptedException, ExecutionException {
        List<Future<List<Cell>>> results = new ArrayList<>();
        List<Cell> cells = new ArrayList<>();
        Path file = setting.output().resolve("cells.csv");
        try (ExecutorService threads = Executors.newFixedThreadPool(setting.threads());
                PrintWriter lines = new PrintWriter(Files.newBufferedWriter(file))) {
            for (Sizes sizes : setting.sizes()) {
                for (String name : setting.loads()) {
                    results.add(threads.submit(() -> cells(name, sizes)));
                }
            }
            lines.println(Cell.header());
            try {
                for (Future<List<Cell>> result : results) {
                    cells.addAll(result.get());
                    result.get().forEach(cell -> lines.println(cell.line()));
                    lines.flush();
                }
            } finally {
                threads.shutdownNow(); // once one has failed, the others need not begin
            }
        }
        return cells;
    }

    /** Replays one load within all bounds. Returns nothing if the load is recorded and not here. */
    private List<Cell> cells(String name, Sizes sizes) throws IOException {
        if (Traces.KINDS.containsKey(name) && !Files.exists(Traces.file(setting.traces(), name))) {
            log.printf("%s SKIPPED: there is no %s%n", name, Traces.file(setting.traces(), name));
            return List.of();
        }
        Load load = load(setting, name, sizes);
        List<Cell> cells = new ArrayList<>();
        for (double percent : setting.budgets()) {
            Cell cell = cell(load, sizes, percent);
            log.println(cell.line());
            cells.add(cell);
        }
        return cells;
    }

    /** A load by its name, recorded or drawn. */
    static Load load(Setting setting, String name, Sizes sizes) throws IOException {
        Load.Kind kind = Traces.KINDS.getOrDefault(name, Load.Kind.SYNTHETIC);
        int[] sequence =
                kind == Load.Kind.SYNTHETIC
                        ? Synthetic.requests(name, setting.first())
                        : Traces.read(setting.traces(), name, setting.first());
        return Load.of(name, kind, sequence, sizes.leastKeys(), setting.requests());
    }

    private Cell cell(Load load, Sizes sizes, double percent) throws IOException {
        long maxBytes = (long) (load.footprint(sizes) * percent / 100);
        Map<Contender, Double> ratios = new EnumMap<>(Contender.class);
        Cell.Shape shape;
        try (CairnPolicy cairn =
                new CairnPolicy(setting.directory(), load.keys(), sizes, maxBytes)) {
            ratios.put(Contender.CAIRN, Policy.hitRatio(load, cairn));
            shape = Cell.Shape.of(cairn.stats());
        }
        for (Contender contender : Contender.values()) {
            if (contender != Contender.CAIRN) {
                try (Policy policy = contender.inHeap(load, sizes, maxBytes)) {
                    ratios.put(contender, Policy.hitRatio(load, policy));
                }
            }
        }
        return new Cell(
                load.name(),
                load.kind(),
                load.requests().length,
                load.keys(),
                load.copies(),
                sizes,
                percent,
                maxBytes,
                shape,
                ratios);
    }
}
