package dev.cairn.cli.demo;

import dev.cairn.cli.Failure;
import dev.cairn.cli.TemporaryFiles;
import dev.cairn.cli.Verb;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

@Command(
        name = "demo",
        description = {
            "Three processes load every class file of the running JDK into one new store while two"
                    + " look entries up; one writer is killed and replaced; every entry is compared"
                    + " with its file.",
            "Then, in a backup: a checkpoint, changes without one, all processes killed, the power"
                    + " failed, and every entry compared with what it was at the checkpoint.",
            "The exit code is 0 only if every byte agreed."
        })
public final class Demo extends Verb {

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Load the regular files of this directory tree instead.")
    private @Nullable Path data;

    @Option(
            names = "--file",
            paramLabel = "FILE",
            description = "Keep the store in this new file instead of a temporary directory.")
    private @Nullable Path file;

    @Option(
            names = "--seconds",
            defaultValue = "5",
            description = "The least time to go on; writers that are done rewrite their shares.")
    private int seconds;

    /**
     * Cleans up once. If two threads do it, the second one waits, so that the JVM does not end
     * before it is done.
     */
    private static final class Cleanup implements Runnable {
        private final List<Runnable> steps;
        private boolean done;

        Cleanup(List<Runnable> steps) {
            this.steps = steps;
        }

        @Override
        public synchronized void run() {
            if (!done) {
                done = true;
                steps.forEach(Runnable::run);
            }
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (file != null && Files.exists(file)) {
            throw new Failure(file + ": the file exists already; the demo needs a new store");
        }
        DemoSource source = source();
        Path scratch = Files.createTempDirectory("cairn-demo");
        Path store = file != null ? file.toAbsolutePath() : scratch.resolve("demo.cairn");
        Path list = scratch.resolve("list.tsv");
        DemoRun run = new DemoRun(source, list, store, streams());
        SecondAct second = new SecondAct(source, list, scratch, streams());
        Cleanup clean =
                new Cleanup(
                        List.of(run::close, second::close, () -> TemporaryFiles.delete(scratch)));
        Thread interrupted = new Thread(clean);
        Runtime.getRuntime().addShutdownHook(interrupted);
        try {
            source.writeTo(list);
            boolean agreed = play(source, run, store) && second.play(store);
            return agreed ? 0 : 4;
        } finally {
            clean.run();
            TemporaryFiles.forget(interrupted);
        }
    }

    /** Plays the first act; returns whether every byte agreed. */
    private boolean play(DemoSource source, DemoRun run, Path store)
            throws IOException, InterruptedException {
        DemoRun.Outcome outcome = run.play(Duration.ofSeconds(seconds));
        DemoReport report =
                new DemoReport(
                        source, outcome, Comparison.of(source, Edition.FILES, store, streams()));
        streams().print(report.text());
        return report.everyByteAgreed();
    }

    private DemoSource source() throws IOException {
        List<String> notes = new ArrayList<>();
        DemoSource source =
                data == null
                        ? DemoSource.ofJdk()
                        : DemoSource.ofDirectory(data.toRealPath(), notes);
        if (source.size() < DemoRun.WRITERS) {
            throw new Failure(
                    "%s: %d readable files; the demo needs at least %d, one a writer"
                            .formatted(data, source.size(), DemoRun.WRITERS));
        }
        notes.addFirst(
                "%s %s, %s"
                        .formatted(
                                Units.count(source.size()),
                                data == null ? "class files of this JDK" : "files of " + data,
                                Units.bytes(source.totalBytes())));
        streams().print(String.join("\n", notes) + "\n");
        return source;
    }
}
