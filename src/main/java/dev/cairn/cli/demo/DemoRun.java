package dev.cairn.cli.demo;

import dev.cairn.cli.Progress;
import dev.cairn.cli.Streams;
import dev.cairn.cli.demo.Part.Role;
import dev.cairn.units.Units;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The first act: writers load the entries, a share each, while readers look them up; one writer is
 * killed in the middle and a successor takes over.
 */
final class DemoRun implements AutoCloseable {
    static final int WRITERS = 3;
    static final int READERS = 2;

    /** The share of the victim's entries that must be acknowledged before it may be killed. */
    private static final double KILL_FROM = 0.4;

    private final DemoSource source;
    private final Stage stage;
    private final Progress progress;
    private final int[] acknowledged = new int[WRITERS];

    /**
     * When and where the victim was killed.
     *
     * @param acknowledged how many entries of its share were acknowledged, after all that it had
     *     said was heard
     * @param away the nanoseconds until its successor had looked at all acknowledged entries
     */
    record Kill(Part victim, long micros, int acknowledged, long away) {}

    /** How the play went: its parts, the kill, and what was wrong. */
    record Outcome(List<Part> parts, Kill kill, Duration time, List<String> wrong) {}

    DemoRun(DemoSource source, Path list, Path store, Streams streams) {
        this.source = source;
        stage = new Stage(source, list, store, streams, this::hear);
        progress = new Progress(streams, "load", Progress.Unit.ENTRIES, source.size());
    }

    /**
     * @param atLeast how long to go on, even if everything is loaded before
     */
    Outcome play(Duration atLeast) throws IOException, InterruptedException {
        long start = System.nanoTime();
        for (int number = 1; number <= READERS; number++) {
            stage.start("reader " + number, Role.READER, 0, List.of("" + WRITERS));
        }
        for (int share = 0; share < WRITERS; share++) {
            startWriter("writer " + (share + 1), share);
        }
        Kill kill = killAndReplace(ThreadLocalRandom.current().nextInt(WRITERS));
        stage.await(this::allAcknowledged);
        stage.tell("all " + Units.count(source.size()) + " entries are written");
        stage.awaitUntil(start + atLeast.toNanos());
        stage.parts().forEach(part -> part.child().say("stop"));
        stage.await(() -> stage.parts().stream().allMatch(Part::ended));
        progress.close();
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        return new Outcome(stage.parts(), kill, time, stage.wrong());
    }

    /** Kills what is still running. */
    @Override
    public void close() {
        stage.close();
        progress.close();
    }

    private Kill killAndReplace(int share) throws IOException, InterruptedException {
        long start = System.nanoTime();
        int size = new Share(share, WRITERS, source.size()).size();
        stage.await(() -> acknowledged[share] >= (int) (KILL_FROM * size));
        long untilNow = System.nanoTime() - start;
        stage.awaitUntil(
                System.nanoTime() + ThreadLocalRandom.current().nextLong(untilNow / 8 + 1));

        Part victim =
                stage.parts().stream()
                        .filter(part -> part.role() == Role.WRITER && part.share() == share)
                        .findFirst()
                        .orElseThrow();
        long micros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        long killed = System.nanoTime();
        victim.kill();
        stage.await(victim::ended);
        int written = acknowledged[share];
        stage.tell(
                "%s (process %d) killed with SIGKILL; %s of its %s entries were acknowledged"
                        .formatted(
                                victim.child().name(),
                                victim.child().pid(),
                                Units.count(written),
                                Units.count(size)));
        Part successor = startWriter(victim.child().name() + "'s successor", share);
        stage.await(() -> successor.inspected() == written);
        stage.tell("its successor has looked at all of them and goes on");
        return new Kill(victim, micros, written, System.nanoTime() - killed);
    }

    private Part startWriter(String name, int share) throws IOException {
        return stage.start(
                name,
                Role.WRITER,
                share,
                List.of("" + share, "" + WRITERS, "" + acknowledged[share]));
    }

    private boolean allAcknowledged() {
        for (int share = 0; share < WRITERS; share++) {
            if (acknowledged[share] < new Share(share, WRITERS, source.size()).size()) {
                return false;
            }
        }
        return true;
    }

    private void hear(Part part, String word, String rest) {
        if (word.equals("ack")) {
            acknowledge(part.share(), Integer.parseInt(rest));
        } else {
            part.hear(word, rest);
        }
    }

    /** Tells readers at once that from now on a miss is an error. */
    private void acknowledge(int share, int count) {
        if (count > acknowledged[share]) {
            acknowledged[share] = count;
            stage.wentOn();
            progress.to(Arrays.stream(acknowledged).asLongStream().sum());
            stage.parts().stream()
                    .filter(part -> part.role() == Role.READER)
                    .forEach(reader -> reader.child().say("ack " + share + " " + count));
        }
    }
}
