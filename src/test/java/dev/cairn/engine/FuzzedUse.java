package dev.cairn.engine;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.ChangeFeed;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Verification;
import dev.cairn.Versioned;
import dev.cairn.engine.FuzzedStore.Entry;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Does everything that a program can do with a store, and keeps the answers. */
final class FuzzedUse extends Watch.Attempts {
    private static final Duration PATIENCE = Duration.ofMillis(100);
    private static final int MOST_CHANGES = 10_000;
    private static final int MOST_BYTES = 30_000;

    /** How many keys it writes that were not in the store before. */
    private static final int NEW_KEYS = 6;

    private final Path data;
    private final boolean readOnly;
    private final List<Answer> answers = new ArrayList<>();
    private final List<String> wrong = new ArrayList<>();
    private final Map<Integer, byte[]> written = new HashMap<>();
    private @Nullable CairnStore store;
    private @Nullable Verification verified;
    private @Nullable ChangeFeed<byte[]> feed;
    private Recovery.@Nullable Kind kind;

    /**
     * What a read returned for a key. For the number -1 it is how many entries there are.
     *
     * @param value null if the key is absent
     * @param present whether the key is present, if the value was not asked for
     * @param version 0 if it was not asked for
     */
    record Answer(String way, int number, byte @Nullable [] value, boolean present, long version) {
        static final int COUNT = -1;

        boolean fits(@Nullable Entry entry) {
            if (entry == null || !present) {
                return entry == null && !present;
            }
            return (value == null || Arrays.equals(value, entry.value()))
                    && (version == 0 || version == entry.version());
        }

        boolean fits(Map<Integer, Entry> entries) {
            return number == COUNT ? version == entries.size() : fits(entries.get(number));
        }

        @Override
        public String toString() {
            return "%s of %d: %s, version %d"
                    .formatted(
                            way,
                            number,
                            !present ? "absent" : value == null ? "there" : value.length + " bytes",
                            version);
        }
    }

    FuzzedUse(Path data, boolean readOnly) {
        super(data);
        this.data = data;
        this.readOnly = readOnly;
    }

    private Options options() {
        return Options.defaults()
                .withReadOnly(readOnly)
                .withManualCheckpoints()
                .withLockTimeout(PATIENCE);
    }

    /** Opens, reads, verifies, writes, reads again, follows and closes. */
    void run() {
        Watch.allocating(
                () -> {
                    attempt(() -> store = Cairn.open(data, options()));
                    CairnStore opened = store;
                    if (opened != null) {
                        use(opened);
                    }
                },
                alarms);
    }

    private void use(CairnStore opened) {
        attempt(() -> kind = opened.recovery().kind());
        attempt(() -> feed = opened.watch());
        read(opened);
        attempt(() -> verified = opened.verify());
        if (!readOnly) {
            write(opened);
        }
        follow(opened);
        attempt(opened::close);
    }

    List<Answer> answers() {
        return answers;
    }

    /** What is wrong because a write of its own was not followed by the right read. */
    List<String> wrong() {
        return wrong;
    }

    /** How the store was opened; null if it was not. */
    Recovery.@Nullable Kind kind() {
        return kind;
    }

    /** Whether something said that not all is well. */
    boolean told() {
        return !clear.isEmpty() || verified != null && !verified.sound();
    }

    boolean verifiedSound() {
        return verified != null && verified.sound();
    }

    private void answer(String way, int number, byte @Nullable [] value) {
        answers.add(new Answer(way, number, value, value != null, 0));
    }

    private void answerVersioned(String way, int number, @Nullable Versioned found) {
        answers.add(
                new Answer(
                        way,
                        number,
                        found == null ? null : found.value(),
                        found != null,
                        found == null ? 0 : found.version()));
    }

    private void read(CairnStore opened) {
        for (int i = 0; i < FuzzedStore.KEYS; i++) {
            read(opened, i);
        }
        attempt(() -> {
            List<byte[]> keys = new ArrayList<>();
            for (int i = 0; i < FuzzedStore.KEYS; i++) {
                keys.add(FuzzedStore.key(i));
            }
            List<byte @Nullable []> all = opened.getAll(keys);
            for (int i = 0; i < FuzzedStore.KEYS; i++) {
                answer("getAll", i, all.get(i));
            }
        });
        attempt(() -> {
            List<byte[]> seen = new ArrayList<>();
            opened.forEach((key, value) -> {
                seen.add(key);
                answer("forEach", number(key), value);
            });
            count("forEach", seen.size());
        });
        attempt(() ->
                opened.forEachVersionedWhile((key, found) -> {
                    answerVersioned("forEachVersioned", number(key), found);
                    return true;
                }));
        attempt(() -> {
            for (int stripe = 0; stripe < opened.stripes(); stripe++) {
                opened.forEachIn(stripe, (key, value) -> answer("forEachIn", number(key), value));
            }
        });
        attempt(() -> count("size", opened.size()));
        attempt(() -> count("stats", opened.stats().entries()));
    }

    private void read(CairnStore opened, int number) {
        byte[] key = FuzzedStore.key(number);
        attempt(() -> answer("get", number, opened.get(key)));
        attempt(() -> answerVersioned("getVersioned", number, opened.getVersioned(key)));
        attempt(() ->
                answers.add(new Answer("containsKey", number, null, opened.containsKey(key), 0)));
        attempt(() -> {
            long version = opened.version(key);
            answers.add(new Answer("version", number, null, version != 0, version));
        });
        attempt(() ->
                answer(
                        "read",
                        number,
                        opened.read(key, view -> view.toArray(ValueLayout.JAVA_BYTE))));
        attempt(() -> {
            byte[] target = new byte[MOST_BYTES];
            long length = opened.get(key, MemorySegment.ofArray(target));
            answer(
                    "get into",
                    number,
                    length < 0 ? null : Arrays.copyOf(target, (int) Math.min(length, MOST_BYTES)));
        });
    }

    private void count(String way, long entries) {
        answers.add(new Answer(way, Answer.COUNT, null, true, entries));
    }

    /** The number of a key. A key that never was in the store gets a number that no entry has. */
    private static int number(byte[] key) {
        for (int i = 0; i < FuzzedStore.KEYS; i++) {
            if (Arrays.equals(key, FuzzedStore.key(i))) {
                return i;
            }
        }
        return Integer.MAX_VALUE;
    }

    private void write(CairnStore opened) {
        Random random = new Random(answers.size());
        for (int i = 0; i < NEW_KEYS; i++) {
            put(
                    opened,
                    100 + i,
                    Content.key(i + 100, 9),
                    Content.value(i, 9, i == 5 ? 9000 : 700 * i));
        }
        for (int i = random.nextInt(3); i < FuzzedStore.KEYS; i += 3) {
            byte[] key = FuzzedStore.key(i);
            put(opened, i, key, Content.value(i, 10, random.nextInt(400)));
            if (random.nextBoolean() && written.containsKey(i)) {
                int number = i;
                attempt(() -> {
                    boolean removed = opened.remove(key) != 0;
                    written.remove(number);
                    byte[] after = opened.get(key);
                    if (!removed || after != null) {
                        wrong.add(
                                "removed %d: %s, and it %s"
                                        .formatted(
                                                number,
                                                removed,
                                                after == null ? "is gone" : "is there"));
                    }
                });
            }
        }
        attempt(() -> {
            try {
                long _ = opened.checkpoint();
            } catch (UnsupportedOperationException e) { // by a forged header, its class is NONE
                requireNamed(e);
            }
        });
        attempt(() -> {
            long _ = opened.compact();
        });
        written.forEach((number, value) ->
                attempt(() -> {
                    byte[] key = number >= 100 ? Content.key(number, 9) : FuzzedStore.key(number);
                    if (!Arrays.equals(opened.get(key), value)) {
                        wrong.add("not what was put: " + number);
                    }
                }));
        attempt(opened::verify);
    }

    private void requireNamed(RuntimeException e) {
        if (!String.valueOf(e.getMessage()).contains(data.toString())) {
            throw e;
        }
        clear.add(e);
    }

    private void put(CairnStore opened, int number, byte[] key, byte[] value) {
        attempt(() -> {
            written.remove(number); // a put that throws may have been applied
            try {
                long _ = opened.put(key, value);
            } catch (IllegalArgumentException e) { // by a forged header, too long for a cache
                requireNamed(e);
                return;
            }
            written.put(number, value);
            if (!Arrays.equals(opened.get(key), value)) {
                wrong.add("put, then another: " + number);
            }
        });
    }

    /** Only that the feed ends, and how, is judged, and not what it tells. */
    private void follow(CairnStore opened) {
        ChangeFeed<byte[]> changes = feed;
        attempt(() -> {
            for (int told = 0; changes != null && poll(changes); told++) {
                if (told == MOST_CHANGES) {
                    throw new AssertionError("the feed tells more than was written");
                }
            }
        });
        attempt(() -> {
            try {
                long _ = opened.awaitChange(FuzzedStore.key(0), 1, Duration.ofMillis(1));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static boolean poll(ChangeFeed<byte[]> changes) {
        try {
            return changes.poll(Duration.ZERO) != null;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
