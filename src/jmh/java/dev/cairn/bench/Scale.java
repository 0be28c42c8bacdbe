package dev.cairn.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What becomes of Cairn and of Chronicle Map as a store grows: by entries, by the size of values,
 * and by threads and processes. It measures memory too. It consists of several runs of the
 * benchmark of peers. Their cases are named after entries and values too, such as "get-1, 10,000
 * entries of 100 B".
 */
final class Scale {
    private static final int BYTES = 100;
    private static final String POINTS = "get-1,getAll-64-1,put-1";
    private static final String TOGETHER =
            ",mix95-zipf-1,mix95-zipf-2,mix95-zipf-1+1,mix95-zipf-1+1+1+1";

    private Scale() {}

    /**
     * A store.
     *
     * @param rounds in how many rounds it is measured, unless the run is quick
     * @param turnovers how often all entries are overwritten before
     */
    private record Size(int entries, int valueBytes, int rounds, int turnovers, String operations) {
        String title(String operation) {
            String bytes = valueBytes < 1024 ? valueBytes + " B" : valueBytes / 1024 + " KiB";
            return String.format(Locale.ROOT, "%s, %,d entries of %s", operation, entries, bytes);
        }
    }

    static void run(Run run) throws Exception {
        for (Size size : run.pick(quick(), full())) {
            List<String> effort =
                    run.pick(
                            List.of("rounds=1", "seconds=0.2", "warmup=0.2", "heap=128m"),
                            List.of("rounds=" + size.rounds, "seconds=2", "warmup=3", "heap=1g"));
            List<String> arguments = new ArrayList<>(effort);
            arguments.add("peers=cairn,chronicle");
            arguments.add("operations=" + size.operations);
            arguments.add("windows=1");
            arguments.add("turnovers=" + size.turnovers);
            arguments.add("entries=" + size.entries);
            arguments.add("value=" + size.valueBytes);
            BenchSet.PEER_BENCHMARK.run(run, arguments, size::title);
        }
    }

    /**
     * Values from small to large, and values of 100 bytes with few to many entries. Charts are
     * drawn over both.
     */
    private static List<Size> full() {
        String all = POINTS + ",memory" + TOGETHER;
        return List.of(
                new Size(10_000, BYTES, 2, 2, POINTS + ",memory"),
                new Size(100_000, BYTES, 2, 2, POINTS + ",memory"),
                new Size(1_000_000, 8, 2, 2, POINTS),
                new Size(1_000_000, BYTES, 2, 2, all),
                new Size(1_000_000, 1 << 10, 2, 1, POINTS),
                new Size(10_000, 1 << 16, 2, 1, POINTS),
                new Size(10_000_000, BYTES, 1, 1, POINTS + ",memory"));
    }

    private static List<Size> quick() {
        String all = POINTS + ",memory" + TOGETHER;
        return List.of(
                new Size(1_000, 8, 1, 1, POINTS),
                new Size(1_000, BYTES, 1, 1, all),
                new Size(1_000, 1 << 10, 1, 1, POINTS),
                new Size(10_000, BYTES, 1, 1, POINTS + ",memory"));
    }
}
