package dev.cairn.cli.demo;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.cli.Streams;
import dev.cairn.cli.demo.Part.Changes;
import dev.cairn.cli.demo.Part.Role;
import dev.cairn.units.Units;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The second act, in a backup of the first one's store. Everything is rewritten, and a checkpoint
 * is made. Then entries are changed without a checkpoint, the processes are killed, and the power
 * fails. The store must then be exactly as it was at the checkpoint.
 */
final class SecondAct implements AutoCloseable {
    private static final int REWRITERS = 2;

    /** How long entries are changed after the checkpoint; a random time up to as long is added. */
    private static final long CHANGING_NANOS = Duration.ofMillis(700).toNanos();

    private final DemoSource source;
    private final Path backup;
    private final Path disk;
    private final Streams streams;
    private final Stage stage;

    /**
     * A checkpoint.
     *
     * @param time how long it took
     */
    private record Made(long epoch, Duration time) {}

    /**
     * @param scratch a directory for its files
     */
    SecondAct(DemoSource source, Path list, Path scratch, Streams streams) {
        this.source = source;
        this.backup = scratch.resolve("backup.cairn");
        this.disk = scratch.resolve("after-power-loss.cairn");
        this.streams = streams;
        stage = new Stage(source, list, backup, streams, Part::hear);
    }

    /**
     * Plays and reports.
     *
     * @param store the store of the first act, which stays as it is
     * @return whether every byte agreed
     */
    boolean play(Path store) throws IOException, InterruptedException {
        Made copied = backUp(store);
        stage.tell(
                ("\na backup of checkpoint %s of that store was made in %s; the backup"
                                + " is a store of its own")
                        .formatted(Units.count(copied.epoch), Units.time(copied.time)));
        for (int share = 0; share < REWRITERS; share++) {
            stage.start(
                    "rewriter " + (share + 1),
                    Role.REWRITER,
                    share,
                    List.of("" + share, "" + REWRITERS));
        }
        stage.await(() -> rewritten() == source.size());
        Made checkpoint = checkpoint();
        stage.tell(
                "the rewriters overwrote all %s entries; checkpoint %s made that durable in %s"
                        .formatted(
                                Units.count(source.size()),
                                Units.count(checkpoint.epoch),
                                Units.time(checkpoint.time)));
        PowerLoss.remember(backup, disk);
        changeAndKill();
        PowerLoss.Outcome loss = failPower();
        stage.tell(
                ("power failure: the -shm file is lost; of %s words that had changed, %s"
                                + " had reached the disk")
                        .formatted(Units.count(loss.differing()), Units.count(loss.written())));
        Comparison comparison = Comparison.of(source, Rewriter.EDITION, disk, streams);
        List<String> wrong = wrong(comparison, checkpoint.epoch);
        streams.print(report(comparison, wrong));
        return wrong.isEmpty() && comparison.everyByteAgreed(source);
    }

    /** Kills what is still running. */
    @Override
    public void close() {
        stage.close();
    }

    private Made backUp(Path store) {
        try (CairnStore from = Cairn.open(store)) {
            long start = System.nanoTime();
            long epoch = from.backup(backup);
            return new Made(epoch, Duration.ofNanos(System.nanoTime() - start));
        }
    }

    private long rewritten() {
        return stage.parts().stream().mapToLong(Part::rewritten).sum();
    }

    /**
     * Makes the checkpoint while the rewriters wait and have the store open, so that closing it
     * here makes no other.
     */
    private Made checkpoint() {
        try (CairnStore store = Cairn.open(backup, Options.defaults().withManualCheckpoints())) {
            long start = System.nanoTime();
            long epoch = store.checkpoint();
            return new Made(epoch, Duration.ofNanos(System.nanoTime() - start));
        }
    }

    private void changeAndKill() throws IOException, InterruptedException {
        stage.parts().forEach(part -> part.child().say("go"));
        long changing = CHANGING_NANOS + ThreadLocalRandom.current().nextLong(CHANGING_NANOS);
        stage.await(() -> changes().overwritten() > 0);
        stage.awaitUntil(System.nanoTime() + changing);
        stage.parts().forEach(Part::kill);
        stage.await(() -> stage.parts().stream().allMatch(Part::ended));
        Changes changes = changes();
        stage.tell(
                ("after that, without a checkpoint: at least %s entries overwritten, %s"
                                + " removed, %s added; then both processes killed with SIGKILL")
                        .formatted(
                                Units.count(changes.overwritten()),
                                Units.count(changes.removed()),
                                Units.count(changes.added())));
    }

    private Changes changes() {
        return stage.parts().stream()
                .map(Part::changes)
                .reduce(new Changes(0, 0, 0), Changes::plus);
    }

    private PowerLoss.Outcome failPower() throws IOException {
        PowerLoss.Outcome loss =
                PowerLoss.strike(backup, disk, ThreadLocalRandom.current().nextLong());
        for (String suffix : List.of("", "-shm", "-lock")) {
            Files.deleteIfExists(backup.resolveSibling(backup.getFileName() + suffix));
        }
        return loss;
    }

    private List<String> wrong(Comparison comparison, long epoch) {
        List<String> wrong = new ArrayList<>(stage.wrong());
        wrong.addAll(comparison.wrong());
        if (comparison.recovery().kind() != Kind.REBUILT
                || comparison.recovery().epoch() != epoch) {
            wrong.add(
                    "opened as " + comparison.recovery() + ", not rebuilt at checkpoint " + epoch);
        }
        return wrong;
    }

    private String report(Comparison comparison, List<String> wrong) {
        StringBuilder text = new StringBuilder("\n");
        DemoReport.line(
                text,
                "recovery",
                "back to checkpoint %s in %s: %s entries from %s of log"
                        .formatted(
                                Units.count(comparison.recovery().epoch()),
                                Units.time(comparison.recovery().time()),
                                Units.count(comparison.recovery().entries()),
                                Units.bytes(comparison.recovery().bytes())));
        DemoReport.line(text, "checked", comparison.checked());
        DemoReport.line(
                text,
                "compared",
                "%s of %s entries are the same as at the checkpoint, byte for byte"
                        .formatted(Units.count(comparison.equal()), Units.count(source.size())));
        wrong.forEach(sentence -> DemoReport.line(text, "WRONG", sentence));
        DemoReport.line(
                text,
                "verdict",
                wrong.isEmpty() && comparison.everyByteAgreed(source)
                        ? "the last checkpoint, exactly"
                        : "FAILED");
        return text.toString();
    }
}
