package dev.cairn.bench.messages;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Compares ways to hand messages from one process to another. In each round each way gets two fresh
 * JVMs for each size and direction. The ways are run one after the other, and in another order in
 * the next round. See docs/benchmarks.md for how to run it, and {@link Setting} for its arguments.
 */
public final class Messages {
    private static final double SHORTER_SECONDS = 0.2;
    private static final double LONGER_SECONDS = 2;

    private final Setting setting;
    private final PrintStream out;
    private final Summary summary = new Summary();
    private boolean stopped;
    private Optional<Pair> pair = Optional.empty();

    private Messages(Setting setting, PrintStream out) {
        this.setting = setting;
        this.out = out;
    }

    public static void main(String[] arguments) throws Exception {
        Messages messages = new Messages(Setting.of(arguments), System.out);
        Runtime.getRuntime().addShutdownHook(new Thread(messages::stop));
        try {
            messages.run();
        } catch (Exception e) {
            if (!messages.isStopped()) {
                throw e;
            }
        }
        System.exit(0);
    }

    private void run() throws Exception {
        List<Way> order = new ArrayList<>(setting.ways());
        for (int round = 0; round < setting.rounds(); round++) {
            for (int bytes : setting.sizes()) {
                for (Direction direction : setting.directions()) {
                    for (Way way : order) {
                        if (way.isFor(bytes, direction)) {
                            measure(round, new Case(way, bytes, direction));
                        }
                    }
                }
            }
            Collections.rotate(order, 1);
        }
        if (setting.strace()) {
            for (Case what : summary.cases()) {
                countCalls(what);
            }
        }
        out.print(summary.print(setting));
        if (setting.json().isPresent()) {
            summary.results(setting).write(setting.json().get());
        }
    }

    private void measure(int round, Case what) throws Exception {
        Pair.Outcome outcome = outcome(what, setting, false);
        summary.add(what, outcome);
        out.println((round + 1) + "\t" + what + "\t" + Summary.line(what, outcome));
    }

    /**
     * Counts the system calls. It takes the difference of two runs, so that the calls of a starting
     * JVM do not count.
     */
    private void countCalls(Case what) throws Exception {
        Pair.Outcome shorter = outcome(what, setting.within(SHORTER_SECONDS), true);
        Pair.Outcome longer = outcome(what, setting.within(LONGER_SECONDS), true);
        double messages = (longer.total() - shorter.total()) * what.messagesEach();
        summary.addCalls(what, (longer.calls() - shorter.calls()) / messages);
    }

    private Pair.Outcome outcome(Case what, Setting how, boolean counted) throws Exception {
        Pair started = start(what, how, counted);
        try {
            return started.await();
        } finally {
            end();
        }
    }

    private synchronized Pair start(Case what, Setting how, boolean counted) throws Exception {
        if (stopped) {
            throw new InterruptedException("the run was stopped");
        }
        Pair started = new Pair(what, how, counted);
        pair = Optional.of(started);
        return started;
    }

    private synchronized void end() throws IOException {
        if (pair.isPresent()) {
            pair.get().close();
            pair = Optional.empty();
        }
    }

    /** Ends what still runs after an interrupt, and removes everything. */
    private synchronized void stop() {
        stopped = true;
        try {
            end();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private synchronized boolean isStopped() {
        return stopped;
    }
}
