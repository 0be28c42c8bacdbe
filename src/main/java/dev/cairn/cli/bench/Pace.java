package dev.cairn.cli.bench;

import dev.cairn.cli.Progress;
import dev.cairn.cli.Streams;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/** Shows how far the measurement is, if a person is watching; otherwise it writes nothing. */
final class Pace implements AutoCloseable {
    private static final Progress.Unit SECONDS = new Progress.Unit("s", 1_000);
    private static final long SLICE_MILLIS = 100;

    private final @Nullable Progress progress;
    private final long start = System.nanoTime();

    Pace(Streams streams, Duration total) {
        progress =
                streams.terminal()
                        ? new Progress(streams, "bench", SECONDS, total.toMillis())
                        : null;
    }

    void pause(Duration time) throws InterruptedException {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            tell();
            Thread.sleep(Duration.ofNanos(Math.min(left, SLICE_MILLIS * 1_000_000)));
        }
    }

    void tell() {
        if (progress != null) {
            progress.to((System.nanoTime() - start) / 1_000_000);
        }
    }

    @Override
    public void close() {
        if (progress != null) {
            progress.close();
        }
    }
}
