package dev.cairn.cli.bench;

import dev.cairn.cli.JsonReport;
import dev.cairn.cli.bench.Figures.Puts;
import dev.cairn.cli.bench.Figures.Rate;
import dev.cairn.units.Units;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;

/** The figures in the form for a person and in the form for a script. */
final class Report {
    private static final String RATE = "  %-13s%28s%28s%n";
    private static final String PUTS = "  %-13s%14s%14s%14s%14s%n";
    private static final String ROW = "  %-13s%s%n";

    private final Path directory;
    private final Figures figures;
    private final Setting setting;

    Report(Path directory, Figures figures) {
        this.directory = directory;
        this.figures = figures;
        setting = figures.setting();
    }

    String text() {
        StringBuilder text = new StringBuilder(heading());
        appendRates(text);
        appendPuts(text);
        text.append('\n');
        text.append(ROW.formatted("checkpoint", checkpoints()));
        text.append(ROW.formatted("open", Units.time(figures.open()) + " after a clean close"));
        text.append("\nverdict\n");
        for (List<String> line : figures.verdict().lines()) {
            text.append(ROW.formatted(line.get(0), line.get(1)));
        }
        return text.toString();
    }

    private String heading() {
        return """
        %s (%s): a temporary store of %s: %d-byte keys, %s-byte values
        entries per second of all threads, and the time of one thread per entry: medians of %d windows, after a warm-up

        """
                .formatted(
                        directory,
                        figures.fileSystem(),
                        Units.entries(setting.entries()),
                        Setting.KEY_BYTES,
                        Units.count(setting.valueBytes()),
                        Measurement.ROUNDS);
    }

    private void appendRates(StringBuilder text) {
        text.append(RATE.formatted("", threads(1), threads(setting.threads())));
        for (Operation operation : Operation.values()) {
            text.append(
                    RATE.formatted(
                            operation,
                            cell(figures.rate(operation, 1)),
                            cell(figures.rate(operation, setting.threads()))));
        }
    }

    private void appendPuts(StringBuilder text) {
        text.append('\n');
        text.append(PUTS.formatted("put takes", "p50", "p99", "p99.9", "max"));
        for (Puts puts : figures.puts()) {
            List<String> times = puts.atPercentiles().stream().map(Units::time).toList();
            text.append(
                    PUTS.formatted(
                            threads(puts.threads()),
                            times.get(0),
                            times.get(1),
                            times.get(2),
                            times.get(3)));
        }
    }

    private String checkpoints() {
        String times =
                "%s for %s; %s for all"
                        .formatted(
                                Units.time(figures.checkpoints().few()),
                                Units.entries(setting.few()),
                                Units.time(figures.checkpoints().all()));
        return isDurable()
                ? times + ", %s/s made durable".formatted(Units.bytes(durableBytesPerSecond()))
                : times;
    }

    private boolean isDurable() {
        return !DiskSync.isInMemory(figures.fileSystem());
    }

    private long durableBytesPerSecond() {
        return Math.round(figures.checkpoints().bytesPerSecond());
    }

    private static String threads(int count) {
        return Units.count(count) + (count == 1 ? " thread" : " threads");
    }

    private static String cell(Rate rate) {
        return "%s/s %11s"
                .formatted(
                        Units.count(Math.round(rate.perSecond())),
                        Units.time(Duration.ofNanos(Math.round(rate.nanos()))));
    }

    /** A number with a useful precision. */
    private static double tenths(double number) {
        return Math.round(number * 10) / 10.0;
    }

    String json() {
        JsonReport json = new JsonReport();
        json.put("directory", directory)
                .put("fileSystem", figures.fileSystem())
                .put("entries", setting.entries())
                .put("keyBytes", Setting.KEY_BYTES)
                .put("valueBytes", setting.valueBytes())
                .put("processors", setting.processors())
                .putObjects("rates", figures.rates(), Report::putRate)
                .putObjects("puts", figures.puts(), Report::putTimes)
                .put("checkpointedEntries", setting.few())
                .put("checkpoint", figures.checkpoints().few())
                .put("checkpointOfAll", figures.checkpoints().all())
                .put("open", figures.open())
                .put("loadNanos", tenths(figures.memory().nanos()))
                .put("loadedBytes", figures.memory().bytes())
                .put("sync", figures.sync())
                .put("receivedProcessorsAlone", tenths(figures.readingAlone().received()))
                .put("receivedProcessors", tenths(figures.reading().received()));
        if (isDurable()) {
            json.put("durableBytesPerSecond", durableBytesPerSecond());
        }
        OptionalDouble foreign = figures.reading().foreign();
        if (foreign.isPresent()) {
            json.put("foreignProcessors", tenths(foreign.getAsDouble()));
        }
        Verdict verdict = figures.verdict();
        return json.put("readVerdict", verdict.reads())
                .put("checkpointVerdict", verdict.durable())
                .put("threadVerdict", verdict.threads())
                .toString();
    }

    private static void putRate(JsonReport json, Rate rate) {
        json.put("operation", rate.operation().name())
                .put("threads", rate.threads())
                .put("perSecond", Math.round(rate.perSecond()))
                .put("nanos", tenths(rate.nanos()));
    }

    private static void putTimes(JsonReport json, Puts puts) {
        List<Duration> times = puts.atPercentiles();
        json.put("threads", puts.threads())
                .put("p50", times.get(0))
                .put("p99", times.get(1))
                .put("p999", times.get(2))
                .put("max", times.get(3));
    }
}
