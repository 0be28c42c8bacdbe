package dev.cairn.cli.bench;

import dev.cairn.cli.bench.Workload.Turn;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/** Threads that repeat turns for some time, each by itself. */
final class Window implements AutoCloseable {
    private final AtomicBoolean over = new AtomicBoolean();
    private final ExecutorService threads =
            Executors.newCachedThreadPool(
                    Thread.ofPlatform().daemon().name("cairn-bench-", 0).factory());

    private Window() {}

    /** How many entries per second all threads processed together. */
    static double run(List<Turn> turns, Duration time, Pace pace) throws InterruptedException {
        try (Window window = new Window()) {
            List<Future<Double>> rates = new ArrayList<>();
            turns.forEach(turn -> rates.add(window.threads.submit(() -> window.rate(turn))));
            pace.pause(time);
            window.over.set(true);
            double all = 0;
            for (Future<Double> rate : rates) {
                all += result(rate);
            }
            return all;
        }
    }

    private double rate(Turn turn) {
        long start = System.nanoTime();
        long entries = 0;
        do {
            entries += turn.take();
        } while (!over.get());
        return entries * 1e9 / Math.max(System.nanoTime() - start, 1);
    }

    private static double result(Future<Double> rate) throws InterruptedException {
        try {
            return rate.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException r -> throw r;
                case Error r -> throw r;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    /** Stops all threads, also after a failure. */
    @Override
    public void close() {
        over.set(true);
        threads.close();
    }
}
