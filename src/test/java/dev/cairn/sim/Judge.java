package dev.cairn.sim;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreFull;
import dev.cairn.Verification;
import dev.cairn.Versioned;
import dev.cairn.format.DataHeader;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/** Opens stores on what a loss of power left, and compares them with what they must be. */
final class Judge {
    private static final byte[] PROBE = Content.key(250, 7);

    private final Path directory;
    private final Options options;
    private final Tally tally;
    private final String replay;

    /**
     * @param directory a directory for the judge alone
     * @param replay the command that repeats the test
     */
    Judge(Path directory, Options options, Tally tally, String replay) {
        this.directory = directory;
        this.options = options;
        this.tally = tally;
        this.replay = replay;
    }

    /** Checks all crashes, one by one. */
    void check(List<Crash> crashes) throws IOException {
        for (Crash crash : crashes) {
            var _ = check(crash);
        }
    }

    /**
     * Opens a store on what a crash left. Returns the state to which the store is brought back.
     *
     * @throws AssertionError if that is none of the states that it may be in, or anything else is
     *     wrong
     */
    Point check(Crash crash) throws IOException {
        Point[] found = new Point[1];
        opened(crash, (store, _) -> found[0] = judge(crash, store));
        return found[0];
    }

    /**
     * Opens a store on what a crash left, for a judge of its own.
     *
     * @throws AssertionError if it cannot be opened, or if the judge throws anything
     */
    void opened(Crash crash, BiConsumer<CairnStore, Path> judge) throws IOException {
        tally.image(crash.where());
        Path data = lay(crash);
        try (CairnStore store = Cairn.open(data, options)) {
            judge.accept(store, data);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    "power failed at %s; again: %s%n%s"
                            .formatted(crash.where(), replay, e.getMessage()),
                    e);
        }
        if (crash.random().nextInt(8) == 0) {
            try (CairnStore store = Cairn.open(data, options)) {
                if (store.recovery().kind() != Kind.CLEAN || !store.verify().sound()) {
                    throw new AssertionError(
                            "after %s, reopened: %s %s; again: %s"
                                    .formatted(
                                            crash.where(),
                                            store.recovery(),
                                            store.verify(),
                                            replay));
                }
            }
        }
        clear();
    }

    /** Empties the judge's directory and returns it. */
    Path empty() throws IOException {
        clear();
        Files.createDirectories(directory);
        return directory.toRealPath();
    }

    /**
     * Puts the files on a disk of its own, which the next boot mounts, or now and then this boot.
     */
    Path lay(Crash crash) throws IOException {
        Path data = empty().resolve("crash.cairn");
        boolean sameBoot = crash.random().nextInt(4) == 1 && !crash.isClean();
        if (crash.data() != null) {
            (sameBoot ? crash.data() : ofAnotherBoot(crash.data())).writeTo(data);
        }
        if (crash.shared() != null && !sameBoot && crash.data() != null) {
            Image image = crash.shared();
            if (image.length() > 0) {
                image = image.with(0, NextBoot.firstPage(image.pages()[0], data));
            }
            image.writeTo(data.resolveSibling(data.getFileName() + "-shm"));
        }
        return data;
    }

    /** The process that had the store open ran before the power failed, this one after it. */
    private static Image ofAnotherBoot(Image data) {
        int page = (int) DataHeader.OPEN_BLOCK_AT / PageCache.PAGE_BYTES;
        return data.with(page, NextBoot.openBlock(data.pages()[page]));
    }

    void clear() throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.list(directory)) {
            for (Path each : files.toList()) {
                Files.delete(each);
            }
        }
    }

    private Point judge(Crash crash, CairnStore store) {
        requireKind(crash, store);
        Verification verification = store.verify();
        if (!verification.sound()) {
            throw new AssertionError("not sound: " + verification.damages());
        }
        Point point = require(crash.points(), store);
        try {
            probe(crash, store);
        } catch (StoreFull e) {
            if (options.maxBytes() == 0 || options.eviction()) {
                throw e;
            }
        }
        return point;
    }

    private static void probe(Crash crash, CairnStore store) {
        long version = store.put(PROBE, PROBE);
        if (store.recovery().kind() == Kind.REBUILT && version <= crash.lastVersion()) {
            throw new AssertionError(
                    "version %d was given before, up to %d"
                            .formatted(version, crash.lastVersion()));
        }
        if (!Arrays.equals(store.get(PROBE), PROBE)) {
            throw new AssertionError("does not keep what is put");
        }
    }

    private static void requireKind(Crash crash, CairnStore store) {
        Kind kind = store.recovery().kind();
        boolean right =
                switch (kind) {
                    case CREATED -> store.size() == 0;
                    case CLEAN -> crash.isClean();
                    case REBUILT -> crash.data() != null;
                    case JOINED, REPAIRED, SNAPSHOT -> false;
                };
        if (!right) {
            throw new AssertionError("opened in the wrong way: " + store.recovery());
        }
    }

    /** The point at which the store is. */
    static Point require(List<Point> points, CairnStore store) {
        Map<ByteBuffer, Versioned> found = read(store);
        for (Point point : points) {
            if (difference(point, found, store) == null) {
                return point;
            }
        }
        StringBuilder text = new StringBuilder("is at none of its checkpoints:");
        for (Point point : points) {
            text.append("\n  not at ")
                    .append(point.epoch())
                    .append(": ")
                    .append(difference(point, found, store));
        }
        throw new AssertionError(text.append("\n  ").append(store.recovery()).toString());
    }

    static Map<ByteBuffer, Versioned> read(CairnStore store) {
        Map<ByteBuffer, Versioned> found = new HashMap<>();
        store.forEach((key, value) -> {
            Versioned versioned = store.getVersioned(key);
            if (versioned == null || !Arrays.equals(versioned.value(), value)) {
                throw new AssertionError("two reads of a key differ");
            }
            if (found.put(ByteBuffer.wrap(key), versioned) != null) {
                throw new AssertionError("a key is seen twice");
            }
        });
        return found;
    }

    private static @Nullable String difference(
            Point point, Map<ByteBuffer, Versioned> found, CairnStore store) {
        long size = store.size();
        if (point.epoch() != Point.UNKNOWN && point.epoch() != store.recovery().epoch()) {
            return "the store says " + store.recovery();
        }
        if (size < found.size() || size > found.size() + point.hidden()) {
            return "%d entries are counted and %d seen".formatted(size, found.size());
        }
        for (var each : point.content().entrySet()) {
            Versioned is = found.get(each.getKey());
            Versioned must = each.getValue();
            if (is == null) {
                return "lacks " + name(each.getKey());
            }
            if (is.version() != must.version() || !Arrays.equals(is.value(), must.value())) {
                return "%s has version %d and %d bytes, must have %d and %d"
                        .formatted(
                                name(each.getKey()),
                                is.version(),
                                is.value().length,
                                must.version(),
                                must.value().length);
            }
        }
        for (ByteBuffer key : found.keySet()) {
            if (!point.content().containsKey(key)) {
                return "has " + name(key) + " too much";
            }
        }
        return null;
    }

    private static String name(ByteBuffer key) {
        byte[] bytes = new byte[Math.min(8, key.remaining())];
        key.get(key.position(), bytes);
        return "key %s of %d bytes".formatted(HexFormat.of().formatHex(bytes), key.remaining());
    }
}
