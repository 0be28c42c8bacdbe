package dev.cairn.bench.hits;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Requests for the keys of a cache, one after the other.
 *
 * @param requests for a read the number of its key, for a write the complement of that number. Keys
 *     are numbered in the order of their first requests
 * @param keys how many keys there are
 * @param copies how many copies of one sequence take turns at random, each with keys of its own
 */
record Load(String name, Kind kind, int[] requests, int keys, int copies) {
    private static final long TURNS_SEED = 42;

    /** Where the requests come from. */
    enum Kind {
        APPLICATION,
        BLOCK,
        LOOP,
        SYNTHETIC
    }

    /** The key of a request. */
    static int key(int request) {
        return request >= 0 ? request : ~request;
    }

    /** The bytes of all keys with their values. */
    long footprint(Sizes sizes) {
        long bytes = 0;
        for (int key = 0; key < keys; key++) {
            bytes += sizes.payload(key);
        }
        return bytes;
    }

    /**
     * A load with at least so many keys, as far as the number of requests allows. It consists of as
     * few copies of the sequence as that takes. The sequence stays whole, since its beginning may
     * be used unlike the rest.
     *
     * @param sequence requests whose keys may be numbered in any way from 0
     */
    static Load of(String name, Kind kind, int[] sequence, int leastKeys, int mostRequests) {
        if (sequence.length == 0) {
            throw new IllegalArgumentException(name + " has no requests");
        }
        int keys = (int) Arrays.stream(sequence).map(Load::key).distinct().count();
        int wanted = (leastKeys + keys - 1) / keys;
        int copies = Math.max(1, Math.min(wanted, mostRequests / sequence.length));
        return new Load(name, kind, numbered(interleaved(sequence, copies)), copies * keys, copies);
    }

    private static int[] interleaved(int[] sequence, int copies) {
        int distance = highestKey(sequence) + 1;
        SplittableRandom random = new SplittableRandom(TURNS_SEED);
        int[] all = new int[sequence.length * copies];
        int[] next = new int[copies];
        int[] unfinished = new int[copies];
        Arrays.setAll(unfinished, copy -> copy);
        int left = copies;
        for (int i = 0; i < all.length; i++) {
            int turn = random.nextInt(left);
            int copy = unfinished[turn];
            int request = sequence[next[copy]++];
            int key = Math.addExact(key(request), Math.multiplyExact(copy, distance));
            all[i] = request >= 0 ? key : ~key;
            if (next[copy] == sequence.length) {
                unfinished[turn] = unfinished[--left];
            }
        }
        return all;
    }

    /** The same requests, with keys numbered in the order of their first requests. */
    private static int[] numbered(int[] requests) {
        int[] numbers = new int[highestKey(requests) + 1];
        Arrays.fill(numbers, -1);
        int[] numbered = new int[requests.length];
        int keys = 0;
        for (int i = 0; i < requests.length; i++) {
            int key = key(requests[i]);
            if (numbers[key] < 0) {
                numbers[key] = keys++;
            }
            numbered[i] = requests[i] >= 0 ? numbers[key] : ~numbers[key];
        }
        return numbered;
    }

    private static int highestKey(int[] requests) {
        return Arrays.stream(requests).map(Load::key).max().orElseThrow();
    }
}
