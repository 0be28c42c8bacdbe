package dev.cairn.engine;

import java.lang.System.Logger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Tells in the log, from time to time, how far an opening has come that takes long. */
final class LongRecovery implements AutoCloseable {
    /** A smaller data file is not watched: it is recovered before there is anything to tell. */
    static final long LEAST_BYTES = 64L << 20;

    private static final Duration BETWEEN = Duration.ofSeconds(5);
    private static final Logger LOG = System.getLogger("dev.cairn");

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
        try {
            while (!end.await(between.toNanos(), TimeUnit.NANOSECONDS)) {
                LOG.log(
                        Logger.Level.INFO,
                        "{0}: this process has been opening it for {1} s, and {2}",
                        files.data(),
                        TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                        WorkSeen.look(files).described());
            }
        } catch (InterruptedException _) {
            // nobody interrupts it; without it there is only nothing in the log
        }
    }

    @Override
    public void close() {
        end.countDown();
    }
}
