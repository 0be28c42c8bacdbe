package dev.cairn.bench.report;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What operations and contenders are called in charts. */
final class Names {
    private static final Pattern RATE =
            Pattern.compile("(get|put|getAll-([0-9]+)|mix([0-9]+))(-zipf)?-([0-9+]+)");
    private static final Pattern CONTENDER =
            Pattern.compile("([a-z]+)(?:-(manual|none|([0-9]+)ms))?");

    private static final Map<String, String> CONTENDERS =
            Map.of(
                    "cairn", "Cairn",
                    "chronicle", "Chronicle Map",
                    "lmdb", "LMDB",
                    "rocksdb", "RocksDB",
                    "mapdb", "MapDB");

    private Names() {}

    /** The name of an operation: "mix95-zipf-2" is "95 % gets, 2 threads". */
    static String operation(String name) {
        Matcher parts = RATE.matcher(name);
        return parts.matches() ? what(parts) + ", " + who(parts.group(5)) : name;
    }

    /**
     * The name of an operation as {@link #operation} gives it, without the threads and processes
     * that do it.
     */
    static String call(String name) {
        Matcher parts = RATE.matcher(name);
        return parts.matches() ? what(parts) : name;
    }

    private static String what(Matcher parts) {
        if (parts.group(3) != null) {
            return parts.group(3) + " % gets";
        }
        return parts.group(2) != null ? "getAll of " + parts.group(2) : parts.group(1);
    }

    private static String who(String workers) {
        int processes = workers.split("\\+", -1).length;
        if (processes > 1) {
            return processes + " processes";
        }
        return workers.equals("1") ? "1 thread" : workers + " threads";
    }

    /** The name of a contender: "cairn-200ms" is "Cairn, durable each 200 ms". */
    static String contender(String name) {
        Matcher parts = CONTENDER.matcher(name);
        if (!parts.matches() || !CONTENDERS.containsKey(parts.group(1))) {
            return name;
        }
        String who = CONTENDERS.get(parts.group(1));
        if (parts.group(2) == null) {
            return who;
        }
        return parts.group(3) == null
                ? who + ", not durable meanwhile"
                : who + ", durable each " + parts.group(3) + " ms";
    }
}
