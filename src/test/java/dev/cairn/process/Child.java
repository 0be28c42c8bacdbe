package dev.cairn.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A JVM of its own, as its parent sees it. It answers each line that it is told by one line; see
 * {@link Acting}.
 */
public final class Child {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String ENDED = "ended";

    private final Process process;
    private final Writer orders;
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    public Child(Process process) {
        this.process = process;
        orders = process.outputWriter(UTF_8);
        Thread.ofPlatform().daemon().name("child " + process.pid()).start(this::listen);
    }

    private void listen() {
        try (BufferedReader lines = process.inputReader(UTF_8)) {
            lines.lines().forEach(heard::add);
        } catch (IOException | UncheckedIOException e) {
            // The child was killed in the middle of a line.
        }
        heard.add(ENDED);
    }

    /** The id of the process that was started, which may be a shell around the JVM. */
    long pid() {
        return process.pid();
    }

    /** Gives an order: a verb and its operands. */
    public void tell(Object... words) {
        String line = Arrays.stream(words).map(Object::toString).collect(Collectors.joining("\t"));
        try {
            orders.write(line + "\n");
            orders.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(line + ": process " + pid() + " ended", e);
        }
    }

    /** The next line that the child says. */
    public String hear() {
        try {
            String line = heard.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return Objects.requireNonNull(line, () -> "process " + pid() + " says nothing");
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The answer to the last order. */
    String answer() {
        String line = hear();
        if (!line.startsWith(Acting.DONE)) {
            throw new AssertionError("process " + pid() + ": " + line);
        }
        return line.substring(Acting.DONE.length());
    }

    String ask(Object... words) {
        tell(words);
        return answer();
    }

    /** Waits until the child stands at a step. */
    void awaitStep(String step) {
        String line = hear();
        if (!line.equals(Acting.AT + step)) {
            throw new AssertionError(
                    "process %d was to reach step %s and said: %s".formatted(pid(), step, line));
        }
    }

    /** @throws AssertionError if the child said that something went wrong, or ended by itself */
    void requireNoComplaint() {
        for (String line : heard) {
            if (line.startsWith(Acting.FAILED) || line.equals(ENDED)) {
                throw new AssertionError("process " + pid() + ": " + line);
            }
        }
    }

    /** Whether the child said something that was not heard yet. */
    boolean saidAnything() {
        return !heard.isEmpty();
    }

    /** Gives it no more orders, which ends it. */
    void end() throws IOException {
        orders.close();
    }

    /** Kills it with SIGKILL. */
    public void kill() {
        process.destroyForcibly();
    }

    public void awaitDeath() {
        process.onExit().orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    }

    ProcessHandle handle() {
        return process.toHandle();
    }

    /** Stops it with SIGSTOP. All of its threads have stopped when this returns. */
    void stop() throws IOException {
        signal("STOP", pid());
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!hasStopped()) {
            if (System.nanoTime() - deadline > 0) {
                throw new IOException("process " + pid() + " does not stop");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    private boolean hasStopped() throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + pid() + "/task"))) {
            for (Path task : tasks.toList()) {
                String stat = Files.readString(task.resolve("stat"));
                if (!stat.substring(stat.lastIndexOf(')')).startsWith(") T ")) {
                    return false;
                }
            }
            return true;
        }
    }

    /** Sends a signal, such as SIGSTOP or SIGCONT. */
    static void signal(String name, long pid) throws IOException {
        Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start();
        if (kill.onExit().join().exitValue() != 0) {
            throw new IOException("kill -" + name + " " + pid + " failed");
        }
    }
}
