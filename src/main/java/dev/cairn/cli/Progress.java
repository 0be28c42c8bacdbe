package dev.cairn.cli;

import dev.cairn.units.Units;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * Shows how far a long job is: by a bar on a terminal, otherwise by a line on standard error now
 * and then.
 */
public final class Progress implements AutoCloseable {
    /** The time between two lines; a job that ends sooner needs none. */
    private static final long LINE_INTERVAL_NANOS = Duration.ofSeconds(2).toNanos();

    private static final int BAR_COLUMNS = 79;

    /**
     * What is counted.
     *
     * @param size how much of the number that is passed to {@link Progress#to} makes one unit
     */
    public record Unit(String name, long size) {
        public static final Unit ENTRIES = new Unit("entries", 1);
        public static final Unit MEBIBYTES = new Unit("MiB", 1 << 20);
    }

    private final Streams streams;
    private final String task;
    private final Unit unit;
    private final long total;
    private final @Nullable ProgressBar bar;
    private long lineDue = System.nanoTime() + LINE_INTERVAL_NANOS;

    /**
     * Begins a job.
     *
     * @param total where {@link #to} will end, -1 if it is not known
     */
    public Progress(Streams streams, String task, Unit unit, long total) {
        this.streams = streams;
        this.task = task;
        this.unit = unit;
        this.total = total;
        bar = streams.terminal() ? bar() : null;
    }

    public void to(long position) {
        if (bar != null) {
            bar.stepTo(position);
        } else if (System.nanoTime() - lineDue >= 0) {
            lineDue = System.nanoTime() + LINE_INTERVAL_NANOS;
            String of = total < 0 ? "" : " of " + Units.count(total / unit.size());
            streams.err()
                    .println(
                            "%s: %s%s %s"
                                    .formatted(
                                            task,
                                            Units.count(position / unit.size()),
                                            of,
                                            unit.name()));
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }

    private ProgressBar bar() {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setUnit(" " + unit.name(), unit.size())
                .setInitialMax(total)
                .setStyle(ProgressBarStyle.ASCII)
                .setConsumer(new ConsoleProgressBarConsumer(streams.err(), BAR_COLUMNS))
                .clearDisplayOnFinish()
                .build();
    }
}
