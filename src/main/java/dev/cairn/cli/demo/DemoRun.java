package dev.cairn.cli.demo;

import dev.cairn.cli.Failure;
import dev.cairn.cli.Progress;
import dev.cairn.cli.Streams;
import dev.cairn.cli.Units;
import dev.cairn.cli.demo.Part.Role;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * The play: writers load the entries, a share each, while readers look them up; one writer is
 * killed in the middle and a successor takes over. One thread, which hears all children.
 */
final class DemoRun implements AutoCloseable {
    static final int WRITERS = 3;
    static final int READERS = 2;

    /** Of the victim's share, acknowledged: from here on it may be killed. */
    private static final double KILL_FROM = 0.4;

    private static final Duration STALLED = Duration.ofMinutes(2);
    private static final int WRONG_KEPT = 20;

    private final DemoSource source;
    private final Path list;
    private final Path store;
    private final Streams streams;
    private final Progress progress;
    private final BlockingQueue<ChildProcess.Event> events = new LinkedBlockingQueue<>();
    private final List<Part> parts = new CopyOnWriteArrayList<>();
    private final int[] acknowledged = new int[WRITERS];
    private final List<String> wrong = new ArrayList<>();
    private long stalledAt;

    /**
     * When and where the victim was killed.
     *
     * @param acknowledged of the victim's share, when all that it had said was heard
     * @param away nanoseconds until its successor had looked at all that was acknowledged
     */
    record Kill(Part victim, long micros, int acknowledged, long away) {}

    /** How the play went: its parts, the kill, and what was not as it should be. */
    record Outcome(List<Part> parts, Kill kill, Duration time, List<String> wrong) {}

    DemoRun(DemoSource source, Path list, Path store, Streams streams) {
        this.source = source;
        this.list = list;
        this.store = store;
        this.streams = streams;
        progress = new Progress(streams, "load", Progress.Unit.ENTRIES, source.size());
    }

    /**
     * @param atLeast how long to go on, however soon everything is loaded
     */
    Outcome play(Duration atLeast) throws IOException, InterruptedException {
        long start = System.nanoTime();
        for (int number = 1; number <= READERS; number++) {
            start("reader " + number, Role.READER, 0, List.of("" + WRITERS));
        }
        for (int share = 0; share < WRITERS; share++) {
            startWriter("writer " + (share + 1), share);
        }
        Kill kill = killAndReplace(ThreadLocalRandom.current().nextInt(WRITERS));
        await(this::allAcknowledged);
        tell("all " + Units.count(source.size()) + " entries are written");
        awaitUntil(start + atLeast.toNanos());
        parts.forEach(part -> part.child().say("stop"));
        await(() -> parts.stream().allMatch(Part::ended));
        progress.close();
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        return new Outcome(List.copyOf(parts), kill, time, List.copyOf(wrong));
    }

    /** Kills what is still running. */
    @Override
    public void close() {
        parts.forEach(Part::kill);
        parts.forEach(part -> part.child().awaitEnd());
        progress.close();
    }

    private Kill killAndReplace(int share) throws IOException, InterruptedException {
        long start = System.nanoTime();
        int size = new Share(share, WRITERS, source.size()).size();
        await(() -> acknowledged[share] >= (int) (KILL_FROM * size));
        long untilNow = System.nanoTime() - start;
        awaitUntil(System.nanoTime() + ThreadLocalRandom.current().nextLong(untilNow / 8 + 1));

        Part victim =
                parts.stream()
                        .filter(part -> part.role() == Role.WRITER && part.share() == share)
                        .findFirst()
                        .orElseThrow();
        long micros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        long killed = System.nanoTime();
        victim.kill();
        await(victim::ended);
        int written = acknowledged[share];
        tell(
                "%s (process %d) killed with SIGKILL; %s of its %s entries were acknowledged"
                        .formatted(
                                victim.child().name(),
                                victim.child().pid(),
                                Units.count(written),
                                Units.count(size)));
        Part successor = startWriter(victim.child().name() + "'s successor", share);
        await(() -> successor.inspected() == written);
        tell("its successor has looked at all of them and goes on");
        return new Kill(victim, micros, written, System.nanoTime() - killed);
    }

    private Part startWriter(String name, int share) throws IOException {
        return start(
                name,
                Role.WRITER,
                share,
                List.of("" + share, "" + WRITERS, "" + acknowledged[share]));
    }

    private Part start(String name, Role role, int share, List<String> arguments)
            throws IOException {
        List<String> all = new ArrayList<>(List.of(role.toString(), "" + list, "" + store));
        all.addAll(arguments);
        long heap = 256 + 6 * (source.largestBytes() >> 20);
        ChildProcess child = ChildProcess.start(name, Math.toIntExact(heap), all, events);
        Part part = new Part(child, role, share);
        parts.add(part);
        tell(name + " started as process " + child.pid());
        return part;
    }

    private boolean allAcknowledged() {
        for (int share = 0; share < WRITERS; share++) {
            if (acknowledged[share] < new Share(share, WRITERS, source.size()).size()) {
                return false;
            }
        }
        return true;
    }

    private void await(BooleanSupplier condition) throws IOException, InterruptedException {
        wentOn();
        while (!condition.getAsBoolean()) {
            hear(events.poll(100, TimeUnit.MILLISECONDS));
            if (System.nanoTime() - stalledAt > 0) {
                throw new Failure(
                        "demo: nothing went on for %d s; the children are killed"
                                .formatted(STALLED.toSeconds()));
            }
        }
    }

    private void awaitUntil(long nanoTime) throws IOException, InterruptedException {
        for (long left = nanoTime - System.nanoTime();
                left > 0;
                left = nanoTime - System.nanoTime()) {
            hear(events.poll(left, TimeUnit.NANOSECONDS));
        }
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
            case "ack" -> acknowledge(part.share(), Integer.parseInt(rest));
            case "inspecting" -> wentOn();
            case "fault" -> throw new Failure("demo: " + part.child().name() + ": " + rest);
            case "wrong" -> {
                if (wrong.size() < WRONG_KEPT) {
                    wrong.add(part.child().name() + ": " + rest);
                }
            }
            default -> part.hear(word, rest);
        }
    }

    /** Readers are told at once: from now on a miss is an error. */
    private void acknowledge(int share, int count) {
        if (count > acknowledged[share]) {
            acknowledged[share] = count;
            wentOn();
            progress.to(Arrays.stream(acknowledged).asLongStream().sum());
            parts.stream()
                    .filter(part -> part.role() == Role.READER)
                    .forEach(reader -> reader.child().say("ack " + share + " " + count));
        }
    }

    private void wentOn() {
        stalledAt = System.nanoTime() + STALLED.toNanos();
    }

    private Part partOf(ChildProcess child) {
        return parts.stream().filter(part -> part.child() == child).findFirst().orElseThrow();
    }

    private void tell(String line) throws IOException {
        streams.print((streams.terminal() ? "\r\033[K" : "") + line + "\n");
    }
}
