package dev.cairn.bench.hits;

import java.util.Arrays;
import java.util.PriorityQueue;

/**
 * The hit ratio that no cache can exceed (Belady's). This cache knows what will be asked for. It
 * keeps what is asked for soonest, and need not take in what is asked for later than everything
 * that it has.
 */
final class Optimal {
    private Optimal() {}

    /** The hit ratio of reads in per cent, within a bound in entries. */
    static double hitRatio(Load load, int maxEntries) {
        int[] requests = load.requests();
        int[] next = next(requests, load.keys());
        // For each entry that is there, its next request, the last of them first. Some of these are
        // past by then.
        PriorityQueue<Integer> later = new PriorityQueue<>((a, b) -> Integer.compare(b, a));
        boolean[] there = new boolean[load.keys()];
        int entries = 0;
        int hits = 0;
        for (int i = 0; i < requests.length; i++) {
            int key = requests[i];
            if (there[key]) {
                hits++;
                entries--;
            }
            there[key] = next[i] < requests.length;
            if (there[key]) {
                later.add(next[i]);
                entries++;
            }
            if (entries > maxEntries) {
                there[requests[later.remove()]] = false;
                entries--;
            }
        }
        return 100.0 * hits / requests.length;
    }

    /** For each request, the next one for its key; the number of requests if there is none. */
    private static int[] next(int[] requests, int keys) {
        int[] next = new int[requests.length];
        int[] following = new int[keys];
        Arrays.fill(following, requests.length);
        for (int i = requests.length - 1; i >= 0; i--) {
            if (requests[i] < 0) {
                throw new IllegalArgumentException("request " + i + " is no read");
            }
            next[i] = following[requests[i]];
            following[requests[i]] = i;
        }
        return next;
    }
}
