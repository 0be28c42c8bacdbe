package dev.cairn.cli.demo;

import dev.cairn.cli.Failure;
import dev.cairn.cli.Streams;
import dev.cairn.cli.demo.Part.Role;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The place of an act: its children and what they say, which one thread hears. */
final class Stage implements AutoCloseable {
    private static final Duration STALLED = Duration.ofMinutes(2);
    private static final int WRONG_KEPT = 20;

    private final DemoSource source;
    private final Path list;
    private final Path store;
    private final Streams streams;
    private final Listener listener;
    private final BlockingQueue<ChildProcess.Event> events = new LinkedBlockingQueue<>();
    private final List<Part> parts = new CopyOnWriteArrayList<>();
    private final List<String> wrong = new ArrayList<>();
    private long stalledAt;
    private boolean closed;

    /** Hears what is specific to an act. */
    interface Listener {
        void hear(Part part, String word, String rest);
    }

    Stage(DemoSource source, Path list, Path store, Streams streams, Listener listener) {
        this.source = source;
        this.list = list;
        this.store = store;
        this.streams = streams;
        this.listener = listener;
    }

    List<Part> parts() {
        return List.copyOf(parts);
    }

    /** What the children found wrong, one sentence each. */
    List<String> wrong() {
        return List.copyOf(wrong);
    }

    synchronized Part start(String name, Role role, int share, List<String> arguments)
            throws IOException {
        if (closed) {
            throw new Failure("demo: interrupted");
        }
        List<String> all = new ArrayList<>(List.of(role.toString(), "" + list, "" + store));
        all.addAll(arguments);
        long heap = 256 + 6 * (source.largestBytes() >> 20);
        ChildProcess child = ChildProcess.start(name, Math.toIntExact(heap), all, events);
        Part part = new Part(child, role, share);
        parts.add(part);
        tell(name + " started as process " + child.pid());
        return part;
    }

    void await(BooleanSupplier condition) throws InterruptedException {
        wentOn();
        while (!condition.getAsBoolean()) {
            hear(events.poll(100, TimeUnit.MILLISECONDS));
            if (System.nanoTime() - stalledAt > 0) {
                throw new Failure(
                        "demo: no child made progress for %d s; the children were killed"
                                .formatted(STALLED.toSeconds()));
            }
        }
    }

    void awaitUntil(long nanoTime) throws InterruptedException {
        for (long left = nanoTime - System.nanoTime();
                left > 0;
                left = nanoTime - System.nanoTime()) {
            hear(events.poll(left, TimeUnit.NANOSECONDS));
        }
    }

    void wentOn() {
        stalledAt = System.nanoTime() + STALLED.toNanos();
    }

    void tell(String line) throws IOException {
        streams.print((streams.terminal() ? "\r\033[K" : "") + line + "\n");
    }

    /** Kills what is still running; any thread may call it, and nothing is started any more. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        parts.forEach(Part::kill);
        parts.forEach(part -> part.child().awaitEnd());
    }

    private void hear(ChildProcess.@Nullable Event event) {
        switch (event) {
            case null -> {}
            case ChildProcess.Ended e -> {
                partOf(e.child()).hearEnd(e.exitCode());
                wentOn();
            }
            case ChildProcess.Said s -> hear(partOf(s.child()), s.word(), s.rest());
        }
    }

    private void hear(Part part, String word, String rest) {
        switch (word) {
            case "busy" -> wentOn();
            case "fault" -> throw new Failure("demo: " + part.child().name() + ": " + rest);
            case "wrong" -> {
                if (wrong.size() < WRONG_KEPT) {
                    wrong.add(part.child().name() + ": " + rest);
                }
            }
            default -> listener.hear(part, word, rest);
        }
    }

    private Part partOf(ChildProcess child) {
        return parts.stream().filter(part -> part.child() == child).findFirst().orElseThrow();
    }
}
