package dev.cairn.engine;

import dev.cairn.events.StoreLog;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Logs from time to time how far a long opening has come. */
final class LongRecovery implements AutoCloseable {
    /** A smaller data file is not watched: it is recovered before there is anything to log. */
    static final long LEAST_BYTES = 64L << 20;

    private static final Duration BETWEEN = Duration.ofSeconds(5);

    private final StoreFiles files;
    private final Duration between;
    private final CountDownLatch end = new CountDownLatch(1);
    private final long start = System.nanoTime();

    LongRecovery(StoreFiles files) {
        this(files, BETWEEN);
    }

    LongRecovery(StoreFiles files, Duration between) {
        this.files = files;
        this.between = between;
        Path name = files.data().getFileName();
        Thread.ofPlatform().daemon().name("cairn-recovery-" + name).start(this::watch);
    }

    private void watch() {
        StoreLog log = new StoreLog(files.data());
        try {
            while (!end.await(between.toNanos(), TimeUnit.NANOSECONDS)) {
                log.info(
                        "this process has been opening the store for %d s: it %s"
                                .formatted(
                                        TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                                        WorkSeen.look(files).described()));
            }
        } catch (InterruptedException _) {
            // nobody interrupts it; without it only the log lines are missing
        }
    }

    @Override
    public void close() {
        end.countDown();
    }
}
