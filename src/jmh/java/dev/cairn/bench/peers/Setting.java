package dev.cairn.bench.peers;

import dev.cairn.bench.processes.Arguments;

import java.nio.file.Path;
import java.util.List;

/**
 * How a run is made. The arguments have the form {@code name=value}, and each has a default.
 *
 * @param peers the entrants, with commas between
 * @param bases the entrants by which all are divided, with a table for each; the first one unless
 *     any is named
 * @param operations names that {@link Operation} knows, in the order in which they are measured
 * @param rounds how often each entrant gets a fresh JVM and a fresh store
 * @param windows how many windows of an operation are measured in a round
 * @param seconds the length of a window
 * @param warmup after how many seconds an operation is measured even if the compiler has not come
 *     to rest
 * @param entries how many entries the store has
 * @param keyBytes the length of a key, a multiple of 8
 * @param valueBytes the length of a value, at least 8
 * @param turnovers how often all entries are overwritten, on average, before anything but the load
 *     is measured
 * @param expiring how many keys in a hundred Cairn always writes with a time to live
 * @param heap the heap of each JVM
 * @param minutes after how many minutes an entrant's JVM is ended and counts as failed
 * @param directory under which a scratch directory is made
 * @param json the file for the figures; empty for none
 * @param before the class path of another build of Cairn
 * @param arguments the arguments as they were given, for the JVMs of the entrants
 */
record Setting(
        List<String> peers,
        List<String> bases,
        List<Operation> operations,
        int rounds,
        int windows,
        double seconds,
        double warmup,
        int entries,
        int keyBytes,
        int valueBytes,
        int turnovers,
        int expiring,
        String heap,
        int minutes,
        Path directory,
        String json,
        String before,
        List<String> arguments) {

    private static final String OPERATIONS =
            "load,get-1,get-2,get-zipf-1,put-1,put-2,mix95-zipf-2,mix50-zipf-2,"
                    + "mix95-zipf-1+1,mix50-zipf-1+1,sync-1000,sync-100000,latency-1,space";

    Setting {
        if (!peers.containsAll(bases)) {
            throw new IllegalArgumentException("base=" + bases + " does not take part: " + peers);
        }
        if (rounds < 1 || windows < 1 || entries < 2 || turnovers < 0) {
            throw new IllegalArgumentException("rounds, windows, entries or turnovers are too few");
        }
        if (keyBytes < 8 || keyBytes % 8 != 0 || valueBytes < 8) {
            throw new IllegalArgumentException(
                    "key must be a multiple of 8 bytes, value at least 8: "
                            + keyBytes
                            + ", "
                            + valueBytes);
        }
        for (String peer : peers) {
            if (Entrant.of(peer).before() && before.isEmpty()) {
                throw new IllegalArgumentException(peer + " takes before=CLASSPATH");
            }
        }
    }

    static Setting of(String... arguments) {
        Arguments given = new Arguments(arguments);
        List<String> peers = given.takeAll("peers", "cairn,chm,ideal");
        Setting setting =
                new Setting(
                        peers,
                        given.takeAll("base", peers.getFirst()),
                        given.takeAll("operations", OPERATIONS).stream()
                                .map(Operation::of)
                                .toList(),
                        given.takeInt("rounds", 3),
                        given.takeInt("windows", 3),
                        given.takeDouble("seconds", 4),
                        given.takeDouble("warmup", 15),
                        given.takeInt("entries", 1000000),
                        given.takeInt("key", 16),
                        given.takeInt("value", 100),
                        given.takeInt("turnovers", 5),
                        given.takeInt("expiring", 10),
                        given.take("heap", "3g"),
                        given.takeInt("minutes", 30),
                        Path.of(given.take("directory", "target")),
                        given.take("json", ""),
                        given.take("before", ""),
                        List.of(arguments));
        given.requireNoMore();
        return setting;
    }
}
