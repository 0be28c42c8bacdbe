package dev.cairn.engine;

import dev.cairn.engine.FuzzedStore.Image;
import dev.cairn.format.BucketWords;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * Both files of a store, changed at random in one of several ways, and how strictly answers may be
 * judged then.
 */
final class Mutant {
    private static final int PAGE = 4096;
    private static final int MOST_NOISE = 20_000;
    private static final long[] HOSTILE = {
        0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE, 1L << 32, 0x7F7F7F7F7F7F7F7FL
    };

    private final FuzzedStore store;
    private final FuzzedStore other;
    private final Random random;
    private final List<String> changes = new ArrayList<>();
    private final Set<Integer> forgedKeys = new TreeSet<>();
    private byte[] data;
    private byte[] shared;
    private Oracle oracle = Oracle.STRICT;
    private boolean sharedWasChanged;

    /** How answers are judged. */
    enum Oracle {
        /** Every answer must be right. */
        STRICT,
        /** Words of the index were changed. Entries may be hidden or older, if something tells. */
        INDEX,
        /**
         * Checksums of records were forged. All keys except those of the records are judged as with
         * STRICT.
         */
        RECORDS,
        /**
         * The index is from an earlier time, or checksums of what leads to records were forged. An
         * answer must be a value that the key once had.
         */
        HISTORY
    }

    Mutant(FuzzedStore store, FuzzedStore other, Random random) {
        this.store = store;
        this.other = other;
        this.random = random;
        data = store.left().data().clone();
        shared = store.left().shared().clone();
        int times = 1 + random.nextInt(4);
        int way = random.nextInt(10);
        for (int i = 0; i < times; i++) {
            switch (way) {
                case 0, 1, 2 -> damageData();
                case 3, 4 -> damageShared();
                case 5 -> {
                    if (random.nextBoolean()) {
                        damageData();
                    } else {
                        damageShared();
                    }
                }
                case 6 -> restorePartly();
                default -> forge();
            }
        }
        if (!sharedWasChanged && random.nextInt(4) < (way > 6 ? 2 : 1)) {
            loseShared();
        }
    }

    byte[] data() {
        return data;
    }

    byte[] shared() {
        return shared;
    }

    Oracle oracle() {
        return oracle;
    }

    /** The keys whose forged records may say anything. */
    Set<Integer> forgedKeys() {
        return forgedKeys;
    }

    @Override
    public String toString() {
        return oracle + " " + changes;
    }

    private void note(String change) {
        changes.add(change);
    }

    private void weaken(Oracle to) {
        if (to.compareTo(oracle) > 0) {
            oracle = to;
        }
    }

    private void loseShared() {
        sharedWasChanged = true;
        switch (random.nextInt(3)) {
            case 0 -> {
                shared = new byte[0];
                note("no shm");
            }
            case 1 -> {
                shared[SharedLayout.NONCE] ^= 1;
                note("shm of another nonce");
            }
            default -> {
                Words.setPlain(shared, SharedLayout.CLEAN, 0);
                Words.setPlain(shared, SharedLayout.BOOT_ID, random.nextLong());
                note("shm of another boot");
            }
        }
    }

    private void damageData() {
        data =
                damage(
                        "data",
                        data,
                        store.older().stream().map(Image::data).toList(),
                        other.left().data(),
                        placeInData());
    }

    private int placeInData() {
        int prefix = (int) DataHeader.CHECKPOINT_SLOTS_AT + 2 * PAGE;
        if (random.nextInt(4) == 0 && data.length >= prefix) {
            int block = random.nextInt(4) * PAGE;
            return block + random.nextInt(block <= PAGE ? 96 : 512);
        }
        return usedPlace(data);
    }

    /** A place where something stands, if a few attempts find one. */
    private int usedPlace(byte[] bytes) {
        int at = 0;
        for (int i = 0; i < 50 && bytes.length > 0; i++) {
            at = random.nextInt(bytes.length);
            if (bytes[at] != 0) {
                return at;
            }
        }
        return at;
    }

    private void damageShared() {
        sharedWasChanged = true;
        weaken(Oracle.INDEX);
        shared =
                damage(
                        "shm",
                        shared,
                        store.older().stream().map(Image::shared).toList(),
                        other.left().shared(),
                        placeInShared());
    }

    private int placeInShared() {
        int at =
                switch (random.nextInt(4)) {
                    case 0 -> random.nextInt(1072);
                    case 1 ->
                            SharedLayout.STRIPE_DESCRIPTORS + random.nextInt(4 * StripeWords.BYTES);
                    default -> usedArea();
                };
        return at < shared.length ? at : usedPlace(shared);
    }

    private int usedArea() {
        for (int i = 0; i < 500 && shared.length > SharedLayout.STRIPE_DESCRIPTORS; i++) {
            int at =
                    SharedLayout.STRIPE_DESCRIPTORS
                            + random.nextInt(shared.length - SharedLayout.STRIPE_DESCRIPTORS);
            if (shared[at] != 0) {
                return at;
            }
        }
        return SharedLayout.STRIPE_DESCRIPTORS;
    }

    private byte[] damage(String of, byte[] bytes, List<byte[]> earlier, byte[] others, int at) {
        int word = at & -Long.BYTES;
        boolean room = word + Long.BYTES <= bytes.length;
        int unit = random.nextInt(3) == 0 ? BucketWords.BYTES : PAGE;
        switch (random.nextInt(13)) {
            case 0, 1 -> {
                if (at < bytes.length) {
                    bytes[at] ^= (byte) (1 << random.nextInt(8));
                    note(of + " bit of byte " + at);
                }
            }
            case 2 -> {
                if (at < bytes.length) {
                    bytes[at] = (byte) random.nextInt();
                    note(of + " byte " + at);
                }
            }
            case 3, 4, 5 -> {
                if (room) {
                    long value = hostile(Words.plain(bytes, word), bytes.length);
                    Words.setPlain(bytes, word, value);
                    note("%s word %d = 0x%x".formatted(of, word, value));
                }
            }
            case 6 ->
                    copy(
                            of + " from an earlier image",
                            bytes,
                            earlier.isEmpty()
                                    ? others
                                    : earlier.get(random.nextInt(earlier.size())),
                            at,
                            at,
                            unit);
            case 7 -> copy(of + " from another store", bytes, others, at, at, unit);
            case 8 -> copy(of + " duplicated", bytes, bytes.clone(), usedPlace(bytes), at, unit);
            case 9 -> {
                int with = usedPlace(bytes);
                byte[] before = bytes.clone();
                copy(of + " swapped", bytes, before, with, at, unit);
                copy(of + " swapped", bytes, before, at, with, unit);
            }
            case 10 -> {
                if (random.nextInt(3) == 0) {
                    int length = random.nextBoolean() ? at : random.nextInt(bytes.length + 1);
                    note(of + " cut to " + length);
                    return Arrays.copyOf(bytes, length);
                }
                int from = Math.min(bytes.length, at);
                int to = Math.min(bytes.length, from + random.nextInt(PAGE));
                Arrays.fill(bytes, from, to, (byte) 0);
                note("%s zeros from %d to %d".formatted(of, from, to));
            }
            case 11 -> {
                byte[] longer = Arrays.copyOf(bytes, bytes.length + random.nextInt(MOST_NOISE));
                if (random.nextBoolean()) {
                    noise(longer, bytes.length, longer.length);
                }
                note(of + " extended to " + longer.length);
                return longer;
            }
            default -> {
                int from = Math.min(bytes.length, at);
                int to = Math.min(bytes.length, from + random.nextInt(PAGE));
                noise(bytes, from, to);
                note("%s noise from %d to %d".formatted(of, from, to));
            }
        }
        return bytes;
    }

    private void noise(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            bytes[i] = (byte) random.nextInt();
        }
    }

    private long hostile(long present, int length) {
        return switch (random.nextInt(4)) {
            case 0 -> HOSTILE[random.nextInt(HOSTILE.length)];
            case 1 -> present + random.nextInt(-2, 3);
            case 2 -> length + random.nextInt(-9, 10);
            default -> present ^ 1L << random.nextInt(Long.SIZE);
        };
    }

    /** Copies the unit in which a place lies over the unit of another place. */
    private void copy(String what, byte[] to, byte[] from, int fromAt, int toAt, int unit) {
        int source = fromAt & -unit;
        int target = toAt & -unit;
        int length = Math.min(unit, Math.min(from.length - source, to.length - target));
        if (length > 0) {
            System.arraycopy(from, source, to, target, length);
            note("%s: %d bytes at %d over those at %d".formatted(what, length, source, target));
        }
    }

    /**
     * Restores some of the files, or some of their blocks, from an older copy, as somebody might.
     */
    private void restorePartly() {
        Image from =
                store.older().isEmpty()
                        ? other.left()
                        : store.older().get(random.nextInt(store.older().size()));
        switch (random.nextInt(4)) {
            case 0 -> {
                data = from.data().clone();
                note("whole data of another time");
            }
            case 1 -> {
                sharedWasChanged = true;
                weaken(Oracle.HISTORY);
                shared = from.shared().clone();
                note("whole shm of another time");
            }
            case 2 -> {
                int length = Math.min(data.length, from.data().length) & -PAGE;
                int at = random.nextInt(length / PAGE + 1) * PAGE;
                System.arraycopy(from.data(), at, data, at, length - at);
                note("data of another time from " + at);
            }
            default -> {
                int at =
                        random.nextInt(Math.min(data.length, from.data().length) / PAGE + 1) * PAGE;
                System.arraycopy(
                        from.data(),
                        0,
                        data,
                        0,
                        Math.min(at, Math.min(data.length, from.data().length)));
                note("data of another time up to " + at);
            }
        }
    }

    private void forge() {
        Forger forger = new Forger(store.left().data(), data, random);
        Forger.Forged forged = forger.forge();
        note("forged " + forged.what());
        if (!forged.harmless()) {
            weaken(forged.structure() ? Oracle.HISTORY : Oracle.RECORDS);
            for (int number = 0; number < FuzzedStore.KEYS; number++) {
                for (byte[] key : forged.keys()) {
                    if (Arrays.equals(key, FuzzedStore.key(number))) {
                        forgedKeys.add(number);
                    }
                }
            }
        }
    }
}
