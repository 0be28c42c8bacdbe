package dev.cairn.process;

import dev.cairn.CairnMap;
import dev.cairn.os.Steps;
import dev.cairn.process.Coherence.Caching;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/** The orders of {@link Acting} that are about maps. */
final class MapOrders {
    private final CacheOrders caches = new CacheOrders();
    private CairnMap<String, Long> map;

    Object act(String[] order) throws IOException {
        return switch (order[0]) {
            case "open map" -> open(Path.of(order[1]));
            case "load" -> load(order);
            case "hoard" -> hoard(Integer.parseInt(order[1]));
            case "count" -> count(order);
            case "write map" -> cohere(order, Coherence::write);
            case "read map" -> cohere(order, Coherence::read);
            case "storm" -> Storm.run(order);
            default -> caches.act(order);
        };
    }

    private Object open(Path path) {
        map = Counting.open(path, true);
        return "open";
    }

    /**
     * Loads a key. The operands are the ledger, lane, key, its word, the order to start at, how,
     * and milliseconds.
     */
    private Object load(String[] order) throws IOException {
        try (Ledger ledger = Ledger.at(Path.of(order[1]))) {
            Loading loading =
                    new Loading(
                            ledger,
                            Integer.parseInt(order[2]),
                            Integer.parseInt(order[4]),
                            Long.parseLong(order[5]),
                            Loading.How.valueOf(order[6]),
                            Long.parseLong(order[7]));
            loading.awaitOrder(Long.parseLong(order[5]));
            return map.get(order[3], loading);
        } catch (Loading.Refused e) {
            return e.getMessage();
        }
    }

    /** Begins a number of loads that never end. */
    @SuppressWarnings("FutureReturnValueIgnored")
    private Object hoard(int loads) {
        CountDownLatch begun = new CountDownLatch(loads);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        for (int i = 0; i < loads; i++) {
            String key = "hoarded" + i;
            threads.submit(() ->
                    map.get(
                            key,
                            _ -> {
                                begun.countDown();
                                LockSupport.park();
                                return null;
                            }));
        }
        try {
            begun.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return loads;
    }

    /**
     * Increments counters. The operands are the store, ledger, lane, seed and number of increments.
     */
    private static Object count(String[] order) throws IOException {
        try (Ledger ledger = Ledger.at(Path.of(order[2]));
                CairnMap<String, Long> map = Counting.open(Path.of(order[1]), true)) {
            int lane = Integer.parseInt(order[3]);
            Steps.listen(step -> Acting.count(step, ledger, lane));
            new Counting(map, ledger, lane).run(Long.parseLong(order[4]), Long.parseLong(order[5]));
            return "counted";
        }
    }

    private interface Work {
        Object run(Coherence coherence, int lane, long seed);
    }

    /**
     * Writes or reads coherently in several threads. The operands are the store, ledger, lanes of
     * writers, first lane, threads, seed, and how to cache.
     */
    private static Object cohere(String[] order, Work work) throws IOException {
        int first = Integer.parseInt(order[4]);
        int threads = Integer.parseInt(order[5]);
        long seed = Long.parseLong(order[6]);
        try (Ledger ledger = Ledger.at(Path.of(order[2]));
                CairnMap<String, Mark> map =
                        Coherence.open(Path.of(order[1]), Caching.valueOf(order[7]))) {
            Caching caching = Caching.valueOf(order[7]);
            Steps.listen(step -> Acting.count(step, ledger, first));
            Coherence coherence = new Coherence(map, ledger, Integer.parseInt(order[3]), caching);
            List<Callable<Object>> tasks = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int lane = first + i;
                tasks.add(() -> {
                    try {
                        return work.run(coherence, lane, seed + lane);
                    } catch (RuntimeException | Error e) {
                        ledger.order(Ledger.STOP);
                        throw e;
                    }
                });
            }
            List<Object> results = results(tasks);
            coherence.noteNearCache(first);
            return results.stream().filter(Objects::nonNull).findFirst().orElse("fine");
        }
    }

    private static <T> List<T> results(List<Callable<T>> tasks) {
        try (ExecutorService threads = Executors.newFixedThreadPool(tasks.size())) {
            List<T> results = new ArrayList<>();
            for (Future<T> done : threads.invokeAll(tasks)) {
                results.add(done.get());
            }
            return results;
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }
}
