package dev.cairn.cli.bench;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.cli.Progress;
import dev.cairn.cli.Streams;
import dev.cairn.cli.bench.Figures.Checkpoints;
import dev.cairn.cli.bench.Figures.Memory;
import dev.cairn.cli.bench.Figures.Puts;
import dev.cairn.cli.bench.Figures.Rate;
import dev.cairn.cli.bench.Processors.Used;
import dev.cairn.cli.bench.Workload.Turn;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/**
 * Takes all figures, one after the other. Most of the time goes to the windows of operations. The
 * operations take turns in rounds, so that a short load on the machine affects all of them alike.
 */
final class Measurement {
    static final int ROUNDS = 3;

    /* Parts of the whole time: five warm-ups, ten windows in each round, and the rest. */
    private static final double WARM_UP = 0.04;
    private static final double WINDOW = 0.065 / ROUNDS;
    private static final double MEMORY = 0.03;
    private static final double SYNC = 0.04;
    private static final double CHECKPOINTS = 0.04;

    private static final int OPENINGS = 5;
    private static final int LEAST_CHECKPOINTS = 2;
    private static final int MOST_CHECKPOINTS = 9;
    private static final int DIGITS = 3;

    private final Setting setting;
    private final Path directory;
    private final Path file;
    private final Path page;
    private final Streams streams;
    private final List<Rate> windows = new ArrayList<>();
    private final Puts alone = new Puts(1, new Histogram(DIGITS));
    private final Puts together;
    private final SplittableRandom seeds = new SplittableRandom();
    private Used readingAlone = Used.NOTHING;
    private Used reading = Used.NOTHING;

    /**
     * @param scratch the directory for the temporary store
     */
    Measurement(Setting setting, Path directory, Scratch scratch, Streams streams) {
        this.setting = setting;
        this.directory = directory;
        this.streams = streams;
        together = new Puts(setting.threads(), new Histogram(DIGITS));
        file = scratch.resolve("store.cairn");
        page = scratch.resolve("page");
    }

    Figures take() throws IOException, InterruptedException {
        Memory memory;
        try (CairnStore store = Cairn.open(file)) {
            fill(store);
            try (Pace pace = new Pace(streams, setting.time())) {
                warmUp(store, pace);
                for (int round = 0; round < ROUNDS; round++) {
                    measure(store, alone, pace);
                    measure(store, together, pace);
                }
                memory = memory(store);
                pace.tell();
            }
        }
        Duration sync = DiskSync.median(page, setting.share(SYNC));
        Duration open = open();
        return new Figures(
                setting,
                DiskSync.fileSystem(directory),
                rates(),
                List.of(alone, together),
                checkpoints(),
                open,
                memory,
                sync,
                readingAlone,
                reading);
    }

    private void fill(CairnStore store) {
        Workload filling = workload(store);
        if (!streams.terminal()) {
            overwrite(filling, index -> {});
            return;
        }
        try (Progress progress =
                new Progress(streams, "fill", Progress.Unit.ENTRIES, setting.entries())) {
            overwrite(filling, progress::to);
        }
    }

    private void overwrite(Workload filling, LongConsumer done) {
        for (long index = 0; index < setting.entries(); index++) {
            filling.put(index);
            if (index % Setting.FEW == 0) {
                done.accept(index);
            }
        }
    }

    /** Runs all threads at once, until the compiler has seen what will be measured. */
    private void warmUp(CairnStore store, Pace pace) throws InterruptedException {
        for (Operation operation : Operation.values()) {
            double _ = Window.run(turns(store, operation, setting.threads()), time(WARM_UP), pace);
        }
        timePuts(store, new Puts(setting.threads(), new Histogram(DIGITS)), time(WARM_UP), pace);
    }

    /** Measures a window of each operation, with the number of threads of these puts. */
    private void measure(CairnStore store, Puts puts, Pace pace) throws InterruptedException {
        int threads = puts.threads();
        for (Operation operation : Operation.values()) {
            Processors before = Processors.now();
            double rate = Window.run(turns(store, operation, threads), time(WINDOW), pace);
            windows.add(new Rate(operation, threads, rate));
            if (operation == Operation.GET) {
                count(threads, Processors.now().since(before));
            }
        }
        timePuts(store, puts, time(WINDOW), pace);
    }

    private void count(int threads, Used used) {
        if (threads == alone.threads()) {
            readingAlone = readingAlone.plus(used);
        } else {
            reading = reading.plus(used);
        }
    }

    private void timePuts(CairnStore store, Puts puts, Duration time, Pace pace)
            throws InterruptedException {
        List<Histogram> each =
                IntStream.range(0, puts.threads()).mapToObj(_ -> new Histogram(DIGITS)).toList();
        List<Turn> turns = each.stream().map(times -> workload(store).timedPut(times)).toList();
        double _ = Window.run(turns, time, pace);
        each.forEach(puts.times()::add);
    }

    /** The median window for each operation and number of threads. */
    private List<Rate> rates() {
        List<Rate> medians = new ArrayList<>();
        for (int threads : List.of(alone.threads(), together.threads())) {
            for (Operation operation : Operation.values()) {
                medians.add(
                        windows.stream()
                                .filter(rate -> rate.isOf(operation, threads))
                                .sorted(Comparator.comparingDouble(Rate::perSecond))
                                .skip(ROUNDS / 2)
                                .findFirst()
                                .orElseThrow());
            }
        }
        return List.copyOf(medians);
    }

    private List<Turn> turns(CairnStore store, Operation operation, int threads) {
        return IntStream.range(0, threads).mapToObj(_ -> workload(store).turn(operation)).toList();
    }

    private Workload workload(CairnStore store) {
        return new Workload(store, setting, seeds.nextLong());
    }

    private Memory memory(CairnStore store) {
        RandomLoads loads =
                new RandomLoads(store.stats().liveBytes() + store.stats().sharedMemoryFileBytes());
        return new Memory(loads.nanos(time(MEMORY)), loads.bytes());
    }

    /** The median time of several openings, each after a clean close. */
    private Duration open() {
        Histogram times = new Histogram(DIGITS);
        for (int i = 0; i < OPENINGS; i++) {
            long start = System.nanoTime();
            try (CairnStore _ = Cairn.open(file)) {
                times.recordValue(System.nanoTime() - start);
            }
        }
        return median(times);
    }

    private Checkpoints checkpoints() {
        try (CairnStore store = Cairn.open(file, Options.defaults().withManualCheckpoints())) {
            Workload writing = workload(store);
            Duration few = checkpoint(store, () -> overwriteFew(writing));
            Duration all = checkpoint(store, () -> overwrite(writing, index -> {}));
            long bytes = setting.entries() * (Setting.KEY_BYTES + setting.valueBytes());
            return new Checkpoints(few, all, bytes);
        }
    }

    private void overwriteFew(Workload writing) {
        for (int i = 0; i < setting.few(); i++) {
            int _ = writing.put();
        }
    }

    /**
     * The median time of several checkpoints, without the first one, which includes earlier writes.
     */
    private Duration checkpoint(CairnStore store, Runnable write) {
        Histogram times = new Histogram(DIGITS);
        long _ = store.checkpoint();
        long end = System.nanoTime() + time(CHECKPOINTS).toNanos();
        for (int i = 0;
                i < LEAST_CHECKPOINTS || (i < MOST_CHECKPOINTS && System.nanoTime() - end < 0);
                i++) {
            write.run();
            long start = System.nanoTime();
            long _ = store.checkpoint();
            times.recordValue(System.nanoTime() - start);
        }
        return median(times);
    }

    private Duration time(double part) {
        return setting.share(part);
    }

    private static Duration median(Histogram times) {
        return Duration.ofNanos(times.getValueAtPercentile(50));
    }
}
