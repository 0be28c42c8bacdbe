package dev.cairn.process;

import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.codec.Codec;
import dev.cairn.codec.Codecs;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.SplittableRandom;

/**
 * A value of a {@link Storm}. The whole value follows from three numbers. They say which operation
 * of a lane on one of its keys put it, or what the count of a counter is.
 */
record Blow(int lane, int key, long sequence, String filling) {
    static final Codec<Blow> CODEC = Codecs.javaRecord(Blow.class);

    static final Duration AN_HOUR = Duration.ofHours(1);

    /** Stands in place of a lane in a counter, which all lanes increment. */
    private static final int COUNTER = -1;

    private static final int SMALL_CHARS = 600;
    private static final int LARGE_CHARS = 9_000;
    private static final int ONE_LARGE_OF = 24;
    private static final int LONGEST_LIFE_MILLIS = 40;

    /** Of so many keys in a row, one is long, one is fleeting and one has an hour to live. */
    private static final int KINDS_OF_KEYS = 8;

    private static final String LONG = "x".repeat(900);

    static Blow of(int lane, int key, long sequence) {
        return new Blow(lane, key, sequence, filling(lane, key, sequence));
    }

    static Blow counted(int counter, long count) {
        return of(COUNTER, counter, count);
    }

    private static SplittableRandom mixed(int lane, int key, long sequence) {
        return new SplittableRandom(sequence << 16 ^ (long) lane << 8 ^ key);
    }

    private static String filling(int lane, int key, long sequence) {
        SplittableRandom random = mixed(lane, key, sequence);
        boolean large = random.nextInt(ONE_LARGE_OF) == 0;
        char[] filling = new char[random.nextInt(large ? LARGE_CHARS : SMALL_CHARS)];
        for (int i = 0; i < filling.length; i++) {
            filling[i] = (char) (' ' + random.nextInt('~' - ' '));
        }
        return new String(filling);
    }

    static String key(int lane, int key) {
        return "lane" + lane + "/" + key + (key % KINDS_OF_KEYS == 7 ? LONG : "");
    }

    /** Whether an entry may be gone a moment after it was written. */
    static boolean fleeting(int key) {
        return key % KINDS_OF_KEYS == 3;
    }

    static Duration timeToLive(int lane, int key, long sequence) {
        if (fleeting(key)) {
            return Duration.ofMillis(1 + mixed(lane, key, ~sequence).nextInt(LONGEST_LIFE_MILLIS));
        }
        return key % KINDS_OF_KEYS == 4 ? AN_HOUR : CairnStore.FOREVER;
    }

    private void requireWhole() {
        if (!filling.equals(filling(lane, key, sequence))) {
            throw new AssertionError(
                    "a value is mixed: %d/%d/%d, %d characters"
                            .formatted(lane, key, sequence, filling.length()));
        }
    }

    /** The count of a counter. An absent counter counts 0. */
    static long count(int counter, @Nullable Blow found) {
        if (found == null) {
            return 0;
        }
        found.requireWhole();
        if (found.lane != COUNTER || found.key != counter) {
            throw new AssertionError("counter " + counter + " has the value of another key");
        }
        return found.sequence;
    }

    /**
     * Requires that a key of a lane shows one whole operation. It must be neither older than the
     * last that was acknowledged nor newer than the last that was begun.
     *
     * @param evicts whether any entry may be gone
     */
    static void judge(
            int lane, int key, long least, long most, @Nullable Blow found, boolean evicts) {
        String what = "lane %d, key %d".formatted(lane, key);
        if (found == null) {
            boolean mayBeGone = evicts || fleeting(key);
            for (long sequence = least; sequence <= most && !mayBeGone; sequence++) {
                mayBeGone = Workload.removes(lane, key, sequence);
            }
            if (!mayBeGone) {
                throw new AssertionError(
                        "%s is lost: %d had returned, %d was begun".formatted(what, least, most));
            }
            return;
        }
        found.requireWhole();
        if (found.lane != lane || found.key != key) {
            throw new AssertionError(
                    "%s has the value of lane %d, key %d".formatted(what, found.lane, found.key));
        }
        if (found.sequence < least
                || found.sequence > most
                || Workload.removes(lane, key, found.sequence)) {
            throw new AssertionError(
                    "%s shows operation %d: %d had returned, %d was begun"
                            .formatted(what, found.sequence, least, most));
        }
    }

    /** Judges all keys of a lane while nobody writes any of them. */
    static void judgeLane(CairnMap<String, Blow> map, Ledger ledger, int lane, boolean evicts) {
        for (int key = 0; key < Ledger.KEYS; key++) {
            Blow found = map.get(key(lane, key));
            judge(lane, key, ledger.returned(lane, key), ledger.begun(lane, key), found, evicts);
        }
    }
}
