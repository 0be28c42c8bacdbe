package dev.cairn.bench.peers;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is measured:
 *
 * <ul>
 *   <li>{@code load}: one thread fills the new store.
 *   <li>{@code get-1}, {@code put-2}, {@code mix95-zipf-2}: reads, overwrites, or 95 reads in a
 *       hundred operations. Keys are chosen evenly, or by Zipf's law with the exponent 0.99. The
 *       number is that of the threads. With {@code 1+1} the work is done by two processes of one
 *       thread each, with {@code 1+1+1} by three.
 *   <li>{@code getAll-64-1}: like {@code get-1}, but with so many keys a call. The figure counts
 *       keys.
 *   <li>{@code latency-1}: like {@code put-1}, but each put is timed. The figures are percentiles
 *       and the longest.
 *   <li>{@code sync-1000}: makes so many overwrites durable, for a {@link Entrant.Syncs#MANUAL}
 *       entrant.
 *   <li>{@code space}: bytes on the disk for each byte of keys and values. Before, the store is
 *       overwritten once more, as often as it was to age it.
 *   <li>{@code memory}: pages of the store's files that this process has mapped, counted as often
 *       as they are mapped, and counted once each, and the length of the files. All are given for
 *       each byte of keys and values. Other processes of an operation before take their part of
 *       "once".
 * </ul>
 *
 * @param readPercent reads in a hundred operations
 * @param processes how many processes do it, each with so many threads
 * @param keysACall how many keys each call reads
 * @param overwrites how many overwrites come before a sync
 */
record Operation(
        String name,
        Kind kind,
        int readPercent,
        boolean zipf,
        int threads,
        int processes,
        int keysACall,
        int overwrites) {

    /** How an operation is measured. */
    enum Kind {
        LOAD,
        RATE,
        LATENCY,
        SYNC,
        SPACE,
        MEMORY
    }

    private static final Pattern RATE =
            Pattern.compile(
                    "(get|put|getAll-([1-9][0-9]*)|mix([0-9]{2}))(-zipf)?-([1-9]|1(?:\\+1)+)");
    private static final Pattern LATENCY = Pattern.compile("latency(-zipf)?-([1-9])");
    private static final Pattern SYNC = Pattern.compile("sync-([1-9][0-9]*)");

    static Operation of(String name) {
        Matcher rate = RATE.matcher(name);
        Matcher latency = LATENCY.matcher(name);
        Matcher sync = SYNC.matcher(name);
        if (rate.matches()) {
            return rate(name, rate);
        } else if (latency.matches()) {
            int threads = Integer.parseInt(latency.group(2));
            return new Operation(name, Kind.LATENCY, 0, latency.group(1) != null, threads, 1, 1, 0);
        } else if (sync.matches()) {
            int overwrites = Integer.parseInt(sync.group(1));
            return new Operation(name, Kind.SYNC, 0, false, 1, 1, 1, overwrites);
        }
        Kind kind =
                switch (name) {
                    case "load" -> Kind.LOAD;
                    case "space" -> Kind.SPACE;
                    case "memory" -> Kind.MEMORY;
                    default -> throw new IllegalArgumentException("no such operation: " + name);
                };
        return new Operation(name, kind, 0, false, 1, 1, 1, 0);
    }

    private static Operation rate(String name, Matcher parts) {
        int reads = parts.group(1).equals("put") ? 0 : 100;
        if (parts.group(3) != null) {
            reads = Integer.parseInt(parts.group(3));
        }
        int keysACall = parts.group(2) == null ? 1 : Integer.parseInt(parts.group(2));
        int processes = parts.group(5).split("\\+", -1).length;
        int threads = processes > 1 ? 1 : Integer.parseInt(parts.group(5));
        boolean zipf = parts.group(4) != null;
        return new Operation(name, Kind.RATE, reads, zipf, threads, processes, keysACall, 0);
    }

    /** Whether the operation means anything for this entrant. */
    boolean isFor(Entrant entrant, Peer peer) {
        return switch (kind) {
            case SYNC -> peer.hasFiles() && entrant.syncs() == Entrant.Syncs.MANUAL;
            case SPACE, MEMORY -> peer.hasFiles();
            default -> processes == 1 || peer.isShared();
        };
    }
}
