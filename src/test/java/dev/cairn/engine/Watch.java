package dev.cairn.engine;

import dev.cairn.CairnException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Lets somebody use a store that was damaged, and notices what must never be. */
final class Watch {
    private static final long TIMEOUT_NANOS = Duration.ofMinutes(2).toNanos();
    private static final long LARGEST_FILE_BYTES = 128L << 20;
    private static final long LARGEST_ALLOCATION_BYTES = 256L << 20;

    private Watch() {}

    /** Collects what operations throw. */
    static class Attempts {
        private final Path file;

        /** The exceptions of the kinds that a caller is told of. */
        final List<RuntimeException> clear = new ArrayList<>();

        /** What must never be. */
        final List<String> alarms = new ArrayList<>();

        /** @param file the file that every exception names */
        Attempts(Path file) {
            this.file = file;
        }

        final void attempt(Runnable operation) {
            try {
                operation.run();
            } catch (CairnException | UncheckedIOException e) {
                clear.add(e);
                String message = String.valueOf(e.getMessage());
                if (!message.contains(file.toString())) {
                    alarms.add("names no file: " + e);
                }
            } catch (Throwable e) {
                alarms.add(e + " at " + Arrays.stream(e.getStackTrace()).limit(8).toList());
            }
        }
    }

    /** Runs a task in a thread of its own. Reports a hang, or a file that grows without bound. */
    static @Nullable String run(Runnable task, Path data, Path shared) throws IOException {
        return watch(Thread.ofPlatform().daemon().start(task), data, shared, TIMEOUT_NANOS);
    }

    /** For a canary: what the watch says of a thread that never ends. */
    static @Nullable String watchSleeper(Path file) throws IOException {
        Thread sleeper = Thread.ofPlatform().daemon().start(LockSupport::park);
        return watch(sleeper, file, file, Duration.ofMillis(100).toNanos());
    }

    /**
     * Runs a task. Adds an alarm if it allocates more in this thread than a small store ever needs.
     */
    static void allocating(Runnable task, List<String> alarms) {
        long before = allocated();
        try {
            task.run();
        } finally {
            if (allocated() - before > LARGEST_ALLOCATION_BYTES) {
                alarms.add("allocates " + (allocated() - before) + " bytes");
            }
        }
    }

    private static @Nullable String watch(Thread thread, Path data, Path shared, long nanos)
            throws IOException {
        long deadline = System.nanoTime() + nanos;
        try {
            while (!thread.join(Duration.ofMillis(20))) {
                boolean late = System.nanoTime() - deadline > 0;
                if (late || size(data) > LARGEST_FILE_BYTES || size(shared) > LARGEST_FILE_BYTES) {
                    String where = Arrays.stream(thread.getStackTrace()).limit(12).toList() + "";
                    thread.interrupt();
                    boolean _ = thread.join(Duration.ofSeconds(2));
                    return (late ? "hangs in " : "a file grows without bound in ") + where;
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return size(data) > LARGEST_FILE_BYTES || size(shared) > LARGEST_FILE_BYTES
                ? "a file grew without bound"
                : null;
    }

    private static long size(Path file) throws IOException {
        return Files.exists(file) ? Files.size(file) : 0;
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
                .getCurrentThreadAllocatedBytes();
    }
}
