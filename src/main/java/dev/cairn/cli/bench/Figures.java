package dev.cairn.cli.bench;

import dev.cairn.cli.bench.Processors.Used;

import org.HdrHistogram.Histogram;

import java.time.Duration;
import java.util.List;

/**
 * What was measured.
 *
 * @param fileSystem the type of the file system with the temporary store
 * @param puts how long single puts took, those of one thread first
 * @param open how long it took to open the store after a clean close
 * @param memory how long a dependent load took
 * @param sync how long it took to sync one page
 * @param readingAlone the use of the processors while one thread read
 * @param reading the use of the processors while all threads read
 */
record Figures(
        Setting setting,
        String fileSystem,
        List<Rate> rates,
        List<Puts> puts,
        Checkpoints checkpoints,
        Duration open,
        Memory memory,
        Duration sync,
        Used readingAlone,
        Used reading) {

    /** How many entries per second all threads processed together. */
    record Rate(Operation operation, int threads, double perSecond) {
        /** The nanoseconds that a thread took for an entry. */
        double nanos() {
            return threads * 1e9 / perSecond;
        }

        boolean isOf(Operation some, int count) {
            return operation == some && threads == count;
        }
    }

    /** How long each put took with that many threads, in nanoseconds. */
    record Puts(int threads, Histogram times) {
        static final List<Double> PERCENTILES = List.of(50.0, 99.0, 99.9, 100.0);

        List<Duration> atPercentiles() {
            return PERCENTILES.stream()
                    .map(times::getValueAtPercentile)
                    .map(Duration::ofNanos)
                    .toList();
        }
    }

    /**
     * How long checkpoints took.
     *
     * @param few the time after a few entries were overwritten
     * @param all the time after all entries were overwritten
     * @param bytes the bytes of all keys and values
     */
    record Checkpoints(Duration few, Duration all, long bytes) {
        double bytesPerSecond() {
            return bytes * 1e9 / Math.max(all.toNanos(), 1);
        }
    }

    /**
     * @param nanos the time of a load in nanoseconds
     *
     * @param bytes the size of the array
     */
    record Memory(double nanos, long bytes) {}

    Rate rate(Operation operation, int threads) {
        return rates.stream()
                .filter(rate -> rate.isOf(operation, threads))
                .findFirst()
                .orElseThrow();
    }

    Verdict verdict() {
        Rate alone = rate(Operation.GET, 1);
        Rate together = rate(Operation.GET, setting.threads());
        return Verdict.of(
                new Verdict.Evidence(
                        alone.nanos(),
                        memory.nanos,
                        DiskSync.isInMemory(fileSystem),
                        sync,
                        checkpoints.few,
                        setting.few(),
                        setting.threads(),
                        setting.processors(),
                        readingAlone.received(),
                        together.perSecond / alone.perSecond,
                        reading.received(),
                        reading.foreign()));
    }
}
