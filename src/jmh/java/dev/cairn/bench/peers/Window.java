package dev.cairn.bench.peers;

import org.HdrHistogram.Histogram;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What the threads of one process did for some seconds.
 *
 * @param rate operations a second of all threads together
 * @param puts how long puts took, in nanoseconds, for {@link Operation.Kind#LATENCY}
 */
record Window(double rate, Histogram puts) {
    /** How many operations are done between two looks at the clock. */
    private static final int BATCH = 200;

    private static final int DIGITS = 3;

    /** Measures a window with one thread for each stream of keys. */
    static Window of(
            Peer peer, Setting setting, Operation operation, List<Keys> streams, double seconds)
            throws Exception {
        List<Future<Window>> parts = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(streams.size())) {
            for (Keys keys : streams) {
                parts.add(threads.submit(() -> one(peer, setting, operation, keys, seconds)));
            }
        }
        double rate = 0;
        Histogram puts = new Histogram(DIGITS);
        for (Future<Window> part : parts) {
            rate += part.get().rate;
            puts.add(part.get().puts);
        }
        return new Window(rate, puts);
    }

    private static Window one(
            Peer peer, Setting setting, Operation operation, Keys keys, double seconds)
            throws Exception {
        Histogram puts = new Histogram(DIGITS);
        keys.chooseByZipf(operation.zipf());
        int calls = Math.max(1, BATCH / operation.keysACall());
        int batch = calls * operation.keysACall();
        try (Client client = new Client(peer, setting, keys)) {
            long start = System.nanoTime();
            long count = 0;
            double passed;
            do {
                if (operation.kind() == Operation.Kind.LATENCY) {
                    client.work(puts, batch);
                } else if (operation.keysACall() > 1) {
                    client.readTogether(operation.keysACall(), batch);
                } else {
                    client.work(operation.readPercent(), batch);
                }
                count += batch;
                passed = (System.nanoTime() - start) / 1e9;
            } while (passed < seconds);
            return new Window(count / passed, puts);
        }
    }
}
