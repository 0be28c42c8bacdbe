package dev.cairn.engine;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.ChangeFeed;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.SmallScale;
import dev.cairn.Verification;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Host;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/** A small store whose files are damaged, opened, read, written and verified again and again. */
final class Hostile {
    private static final int STRIPES = 2;
    private static final int MOST_CHANGES = 10_000;

    private final Path data;
    private final Path shared;
    private final byte[] soundData;
    private final byte[] soundShared;
    private final List<byte[]> keys = new ArrayList<>();
    private final Map<Integer, byte[]> values = new LinkedHashMap<>();
    private final Map<Integer, Long> versions = new LinkedHashMap<>();

    /** What the store held at the checkpoint before the newest. */
    private final Map<Integer, byte[]> earlier = new LinkedHashMap<>();

    /** Changes what the files contain. */
    interface Damage {
        void to(Path data, Path shared) throws IOException;
    }

    /**
     * The outcome of one damage.
     *
     * @param clear the exceptions of the kinds that a caller is told of
     * @param wrong what was read and is wrong
     * @param verified null if verification was never reached, or itself reported damage by an
     *     exception
     * @param rolledBack whether the store says that it was brought back to a checkpoint, and is
     *     wholly at the last but one
     * @param alarms what must never be: other errors, hangs, enormous allocations or files
     */
    record Outcome(
            List<RuntimeException> clear,
            List<String> wrong,
            @Nullable Verification verified,
            boolean rolledBack,
            List<String> alarms) {
        /** Whether something said that not all is well. */
        boolean told() {
            return !clear.isEmpty() || verified != null && !verified.sound();
        }
    }

    /** How the store was left before it is damaged. */
    enum Left {
        CLOSED,
        KILLED
    }

    Hostile(Path directory, Left left) throws IOException {
        Path made = directory.resolve("made.cairn");
        data = directory.resolve("hostile.cairn");
        shared = directory.resolve("hostile.cairn-shm");
        Path madeShared = directory.resolve("made.cairn-shm");
        try (var _ = new SmallScale()) {
            byte[] dataBytes = {};
            byte[] sharedBytes = {};
            try (CairnStore store = Cairn.open(made, options(false))) {
                begin(store);
            }
            earlier.putAll(values);
            try (CairnStore store = Cairn.open(made, options(false))) {
                fill(store);
                dataBytes = Files.readAllBytes(made);
                sharedBytes = Files.readAllBytes(madeShared);
            }
            soundData = left == Left.KILLED ? dataBytes : Files.readAllBytes(made);
            soundShared = left == Left.KILLED ? sharedBytes : Files.readAllBytes(madeShared);
        }
        Files.write(data, soundData);
        Words.setPlain(soundShared, SharedLayout.DATA_INODE, Host.inode(data));
    }

    private void begin(CairnStore store) {
        for (int i = 0; i < 44; i++) {
            keys.add(Content.key(i, i < 40 ? (i + 1) / 2 : 900 * (i - 39)));
        }
        for (int i = 0; i < 20; i++) {
            put(store, i, Content.value(i, 100, i * 30));
        }
    }

    private void fill(CairnStore store) {
        for (int sequence = 0; sequence < 3; sequence++) {
            for (int i = 0; i < keys.size(); i++) {
                if (i % 3 <= sequence) {
                    put(store, i, Content.value(i, sequence, i % 8 == 0 ? i * 250 : i * 7));
                }
            }
        }
        for (int i = 5; i < keys.size(); i += 11) {
            store.remove(keys.get(i));
            values.remove(i);
        }
    }

    private void put(CairnStore store, int i, byte[] value) {
        byte[] key = keys.get(i);
        long version =
                i % 5 == 0 ? store.put(key, value, Duration.ofDays(9)) : store.put(key, value);
        values.put(i, value);
        versions.put(i, version);
    }

    private static Options options(boolean readOnly) {
        return Options.defaults()
                .withStripes(STRIPES)
                .withReadOnly(readOnly)
                .withLockTimeout(Duration.ofSeconds(2));
    }

    /** For a canary: from now on a wrong value is expected of a key. */
    void expectWrongly() {
        values.put(7, new byte[3]);
    }

    Path data() {
        return data;
    }

    byte[] soundData() {
        return soundData.clone();
    }

    byte[] soundShared() {
        return soundShared.clone();
    }

    static int stripes() {
        return STRIPES;
    }

    /** Damages the sound files, and then does everything that can be done with the store. */
    Outcome outcome(boolean readOnly, Damage damage) throws IOException {
        Files.write(data, soundData);
        Files.write(shared, soundShared);
        damage.to(data, shared);
        AtomicReference<@Nullable Outcome> result = new AtomicReference<>();
        String alarm = Watch.run(() -> result.set(use(readOnly)), data, shared);
        Outcome outcome = result.get();
        if (outcome == null) {
            outcome = new Outcome(List.of(), List.of(), null, false, new ArrayList<>());
        }
        if (alarm != null) {
            outcome.alarms.add(alarm);
        }
        return outcome;
    }

    private Outcome use(boolean readOnly) {
        Use use = new Use(data);
        Watch.allocating(
                () -> {
                    use.attempt(() -> use.store = Cairn.open(data, options(readOnly)));
                    CairnStore store = use.store;
                    if (store != null) {
                        useOpen(use, store, readOnly);
                    }
                },
                use.alarms);
        return new Outcome(use.clear, use.wrong, use.verified, use.rolledBack, use.alarms);
    }

    private void useOpen(Use use, CairnStore store, boolean readOnly) {
        use.attempt(() -> use.rolledBack = rolledBack(store));
        use.attempt(() -> use.feed = store.watch());
        read(use, store);
        use.attempt(() -> use.verified = store.verify());
        if (!readOnly) {
            write(use, store);
        }
        follow(use, store);
        use.attempt(store::close);
    }

    /** What was found so far. */
    private static final class Use extends Watch.Attempts {
        final List<String> wrong = new ArrayList<>();
        @Nullable CairnStore store;
        @Nullable Verification verified;
        @Nullable ChangeFeed<byte[]> feed;
        boolean rolledBack;

        Use(Path data) {
            super(data);
        }

        void expect(String what, boolean right) {
            if (!right) {
                wrong.add(what);
            }
        }
    }

    private boolean rolledBack(CairnStore store) {
        Recovery.Kind kind = store.recovery().kind();
        byte[] newest = keys.getLast();
        return (kind == Recovery.Kind.REBUILT || kind == Recovery.Kind.SNAPSHOT)
                && store.get(newest) == null;
    }

    /**
     * Requires that reads show nothing but what the store held then. The versions must be right
     * too, unless the store was brought back.
     */
    private void read(Use use, CairnStore store) {
        Map<Integer, byte[]> expected = use.rolledBack ? earlier : values;
        for (int i = 0; i < keys.size(); i++) {
            int number = i;
            byte[] key = keys.get(i);
            byte[] value = expected.get(i);
            use.attempt(() -> use.expect("get " + number, Arrays.equals(store.get(key), value)));
            use.attempt(() -> {
                var versioned = store.getVersioned(key);
                use.expect(
                        "getVersioned " + number,
                        versioned == null
                                ? value == null
                                : value != null
                                        && Arrays.equals(versioned.value(), value)
                                        && (use.rolledBack
                                                || versioned.version() == versions.get(number)));
            });
            use.attempt(() ->
                    use.expect("containsKey " + number, store.containsKey(key) == (value != null)));
        }
        use.attempt(() -> {
            List<byte @Nullable []> all = store.getAll(keys);
            for (int i = 0; i < keys.size(); i++) {
                use.expect("getAll " + i, Arrays.equals(all.get(i), expected.get(i)));
            }
        });
        use.attempt(() -> {
            List<byte[]> seen = new ArrayList<>();
            store.forEach((key, _) -> seen.add(key));
            use.expect("forEach " + seen.size(), seen.size() == expected.size());
        });
        use.attempt(() -> use.expect("size", store.size() == expected.size()));
        use.attempt(() -> use.expect("stats", store.stats().entries() == expected.size()));
    }

    /** Only that the feed ends, and how, is judged, and not what it tells. */
    private void follow(Use use, CairnStore store) {
        ChangeFeed<byte[]> feed = use.feed;
        use.attempt(() -> {
            for (int told = 0; feed != null && poll(feed); told++) {
                if (told == MOST_CHANGES) {
                    throw new AssertionError("the feed tells more than was written");
                }
            }
        });
        use.attempt(() -> {
            try {
                long _ = store.awaitChange(keys.getFirst(), 1, Duration.ofMillis(2));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static boolean poll(ChangeFeed<byte[]> feed) {
        try {
            return feed.poll(Duration.ZERO) != null;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void write(Use use, CairnStore store) {
        for (int i = 0; i < 6; i++) {
            byte[] key = Content.key(i + 100, 9);
            byte[] value = Content.value(i, 9, i == 5 ? 9000 : 700 * i);
            use.attempt(() -> {
                store.put(key, value);
                byte[] back = store.get(key);
                use.expect("get after put", Arrays.equals(back, value));
            });
        }
        for (int i = 0; i < keys.size(); i += 3) {
            byte[] key = keys.get(i);
            byte[] value = Content.value(i, 10, 300);
            use.attempt(() -> {
                store.put(key, value);
                boolean removed = store.remove(key) != 0;
                use.expect("get after remove", removed && store.get(key) == null);
            });
        }
        use.attempt(store::verify);
    }
}
