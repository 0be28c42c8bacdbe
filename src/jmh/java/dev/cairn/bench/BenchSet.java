package dev.cairn.bench;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Benchmarks that are run and kept together.
 *
 * @param description a line for people
 */
record BenchSet(String name, String description, Work work) {
    /** Adds what it measures to the run. */
    interface Work {
        void run(Run run) throws Exception;
    }

    static final Program PEER_BENCHMARK = new Program("dev.cairn.bench.peers.PeerBenchmark");

    private static final Program CHECKPOINTS = new Program("dev.cairn.bench.Checkpoints");
    private static final Program MESSAGES = new Program("dev.cairn.bench.messages.Messages");

    private static final List<String> QUICK_PEERS =
            List.of(
                    "rounds=1",
                    "windows=1",
                    "seconds=0.2",
                    "warmup=0.2",
                    "turnovers=1",
                    "entries=20000",
                    "heap=256m");

    /** All sets, in the order in which they are run. */
    static final List<BenchSet> ALL =
            List.of(
                    new BenchSet(
                            "points",
                            "reads and overwrites of one thread, beside ConcurrentHashMap",
                            BenchSet::points),
                    new BenchSet(
                            "near",
                            "reads through the near cache, beside Caffeine alone",
                            BenchSet::near),
                    new BenchSet(
                            "peers",
                            "an aged store beside Chronicle Map, LMDB, RocksDB and MapDB",
                            BenchSet::peers),
                    new BenchSet(
                            "checkpoints",
                            "latency of puts beside checkpoints, openings after failures",
                            BenchSet::checkpoints),
                    new BenchSet(
                            "messages",
                            "messages from process to process, beside pipes and the like",
                            BenchSet::messages),
                    new BenchSet(
                            "scale",
                            "with more entries, larger values, more threads and processes",
                            Scale::run));

    private static void points(Run run) throws Exception {
        run.pick(new Jmh(1, 1, 2, 300), new Jmh(2, 3, 4, 1000))
                .run(
                        run,
                        PointOperations.class,
                        Jmh::method,
                        params -> params.getParam("store"),
                        "count=" + run.pick("20000", "1000000"));
    }

    private static void near(Run run) throws Exception {
        run.pick(new Jmh(1, 1, 2, 100), new Jmh(2, 2, 3, 1000))
                .run(
                        run,
                        NearCacheReads.class,
                        params ->
                                String.format(
                                        Locale.ROOT,
                                        "%s, %,d",
                                        Jmh.method(params),
                                        Integer.parseInt(params.getParam("count"))),
                        params -> NearCacheReads.Way.valueOf(params.getParam("way")).title(),
                        run.pick(new String[] {"count=1000"}, new String[0]));
    }

    private static void peers(Run run) throws Exception {
        List<String> arguments =
                List.of(
                        "peers=cairn,chronicle,lmdb,rocksdb,mapdb",
                        "operations=get-1,get-2,put-1,put-2,mix95-zipf-2,mix50-zipf-1+1,space");
        List<String> effort =
                run.pick(
                        QUICK_PEERS,
                        List.of("rounds=2", "windows=2", "seconds=1.5", "warmup=4", "turnovers=3"));
        PEER_BENCHMARK.run(run, joined(arguments, effort));
    }

    private static void checkpoints(Run run) throws Exception {
        PEER_BENCHMARK.run(
                run,
                joined(
                        List.of(
                                "peers=cairn-200ms,cairn-manual,chronicle-200ms,chronicle-manual",
                                "operations=latency-1"),
                        run.pick(QUICK_PEERS, List.of("rounds=2", "windows=2", "warmup=6"))));
        CHECKPOINTS.run(
                run,
                run.pick(
                        List.of("entries=20000", "rounds=3", "seconds=1"),
                        List.of("entries=1000000")));
    }

    private static void messages(Run run) throws Exception {
        MESSAGES.run(
                run,
                run.pick(
                        List.of("rounds=1", "seconds=0.1", "warmup=0.1", "sizes=100,4096"),
                        List.of("rounds=2", "seconds=1", "warmup=1")));
    }

    static List<String> joined(List<String> some, List<String> others) {
        return Stream.concat(some.stream(), others.stream()).toList();
    }
}
