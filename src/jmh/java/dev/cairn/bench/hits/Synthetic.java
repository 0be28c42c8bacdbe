package dev.cairn.bench.hits;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Loads that are drawn at random. {@code zipf-0.9} asks for 100,000 keys by Zipf's law with the
 * exponent 0.9. The name may go on with any of these, each with a hyphen before it:
 *
 * <ul>
 *   <li>{@code scan20}: 20 % of the requests are in scans. Each scan asks for the next 5,000 of as
 *       many other keys.
 *   <li>{@code shift200000}: every 200,000 requests, popularity moves on by a tenth of the keys,
 *       from each key to another.
 *   <li>{@code w30}: of the requests that are in no scan, 30 % are writes.
 * </ul>
 */
final class Synthetic {
    private static final int KEYS = 100_000;
    private static final int SCAN_REQUESTS = 5_000;
    private static final long SEED = 7;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final int keys;
    private final double[] cumulated;
    private final int[] keyOfRank;
    private double scans;
    private int shiftRequests = Integer.MAX_VALUE;
    private double writes;

    private Synthetic(String name, int keys) {
        String[] parts = name.split("-", -1);
        if (parts.length < 2 || !parts[0].equals("zipf")) {
            throw new IllegalArgumentException(
                    "a synthetic load is zipf-EXPONENT[-scanN][-shiftN][-wN], not " + name);
        }
        this.keys = keys;
        cumulated = zipf(keys, Double.parseDouble(parts[1]));
        keyOfRank = shuffled(keys);
        for (String part : Arrays.asList(parts).subList(2, parts.length)) {
            if (part.startsWith("scan")) {
                scans = Integer.parseInt(part.substring(4)) / 100.0;
            } else if (part.startsWith("shift")) {
                shiftRequests = Integer.parseInt(part.substring(5));
            } else if (part.startsWith("w")) {
                writes = Integer.parseInt(part.substring(1)) / 100.0;
            } else {
                throw new IllegalArgumentException(
                        name + " has \"" + part + "\", which is no scanN, shiftN or wN");
            }
        }
    }

    /** The same name and number always give the same requests. */
    static int[] requests(String name, int count) {
        return requests(name, KEYS, count);
    }

    static int[] requests(String name, int keys, int count) {
        return new Synthetic(name, keys).draw(count);
    }

    private int[] draw(int count) {
        int[] requests = new int[count];
        // Scans begin often enough to have their part of all requests.
        double begins = scans / (1 - scans) / SCAN_REQUESTS;
        int scanLeft = 0;
        int scanned = 0;
        int shift = 0;
        for (int i = 0; i < count; i++) {
            if (i > 0 && i % shiftRequests == 0) {
                shift += keys / 10;
            }
            if (scanLeft == 0 && begins > 0 && random.nextDouble() < begins) {
                scanLeft = SCAN_REQUESTS;
            }
            if (scanLeft > 0) {
                scanLeft--;
                requests[i] = keys + scanned++ % keys;
                continue;
            }
            int key = keyOfRank[(int) (((long) rank() + shift) % keys)];
            requests[i] = random.nextDouble() < writes ? ~key : key;
        }
        return requests;
    }

    private int rank() {
        int found = Arrays.binarySearch(cumulated, random.nextDouble());
        return Math.min(found >= 0 ? found : ~found, keys - 1);
    }

    private static double[] zipf(int keys, double exponent) {
        double[] cumulated = new double[keys];
        double sum = 0;
        for (int rank = 0; rank < keys; rank++) {
            sum += Math.pow(rank + 1, -exponent);
            cumulated[rank] = sum;
        }
        for (int rank = 0; rank < keys; rank++) {
            cumulated[rank] /= sum;
        }
        return cumulated;
    }

    private int[] shuffled(int count) {
        int[] all = new int[count];
        Arrays.setAll(all, i -> i);
        for (int i = count - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int moved = all[i];
            all[i] = all[other];
            all[other] = moved;
        }
        return all;
    }
}
