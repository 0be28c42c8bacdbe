package dev.cairn.bench.peers;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is measured:
 *
 * <ul>
 *   <li>{@code load}: fills the new store, one thread;
 *   <li>{@code get-1}, {@code put-2}, {@code mix95-zipf-2}: reads, overwrites, or 95 reads in a hundred;
 *       of keys chosen evenly or by zipf's law with exponent 0.99; by so many threads, or, with {@code
 *       1+1}, by two processes of one thread each;
 *   <li>{@code latency-1}: as {@code put-1}, with each put timed: the longest, and the 99.9th
 *       percentile;
 *   <li>{@code sync-1000}: makes so many overwrites durable, of a {@link Entrant.Syncs#MANUAL} entrant;
 *   <li>{@code space}: bytes on the disk for each byte of keys and values, when the store has been
 *       overwritten once more as often as it was to age it.
 * </ul>
 *
 * @param readPercent reads in a hundred operations
 * @param twoProcesses whether another process has as many threads at work
 * @param overwrites before a sync
 */
record Operation(
        String name,
        Kind kind,
        int readPercent,
        boolean zipf,
        int threads,
        boolean twoProcesses,
        int overwrites) {

    /** How it is measured. */
    enum Kind {
        LOAD,
        RATE,
        LATENCY,
        SYNC,
        SPACE
    }

    private static final Pattern RATE =
            Pattern.compile("(get|put|mix([0-9]{2}))(-zipf)?-([1-9]|1\\+1)");
    private static final Pattern LATENCY = Pattern.compile("latency(-zipf)?-([1-9])");
    private static final Pattern SYNC = Pattern.compile("sync-([1-9][0-9]*)");

    static Operation of(String name) {
        Matcher rate = RATE.matcher(name);
        Matcher latency = LATENCY.matcher(name);
        Matcher sync = SYNC.matcher(name);
        if (rate.matches()) {
            int reads =
                    switch (rate.group(1)) {
                        case "get" -> 100;
                        case "put" -> 0;
                        default -> Integer.parseInt(rate.group(2));
                    };
            boolean both = rate.group(4).equals("1+1");
            int threads = both ? 1 : Integer.parseInt(rate.group(4));
            return new Operation(name, Kind.RATE, reads, rate.group(3) != null, threads, both, 0);
        } else if (latency.matches()) {
            int threads = Integer.parseInt(latency.group(2));
            return new Operation(
                    name, Kind.LATENCY, 0, latency.group(1) != null, threads, false, 0);
        } else if (sync.matches()) {
            int overwrites = Integer.parseInt(sync.group(1));
            return new Operation(name, Kind.SYNC, 0, false, 1, false, overwrites);
        } else if (name.equals("load")) {
            return new Operation(name, Kind.LOAD, 0, false, 1, false, 0);
        } else if (name.equals("space")) {
            return new Operation(name, Kind.SPACE, 0, false, 1, false, 0);
        }
        throw new IllegalArgumentException("no such operation: " + name);
    }

    /** Whether it means anything for this entrant. */
    boolean isFor(Entrant entrant, Peer peer) {
        return switch (kind) {
            case SYNC -> peer.hasFiles() && entrant.syncs() == Entrant.Syncs.MANUAL;
            case SPACE -> peer.hasFiles();
            default -> !twoProcesses || peer.isShared();
        };
    }
}
