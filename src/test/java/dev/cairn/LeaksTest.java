package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks the promise that thousands of opens and closes in one JVM leave nothing behind that the
 * first did not. The canary is an open store, which the test must see.
 */
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LeaksTest {
    private static final int TIMES = 2000;
    private static final int WATCHED = 100;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final Options OPTIONS = Options.defaults().withStripes(1);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @AfterEach
    void usualScale() {
        scale.close();
    }

    /** What this process holds of the test's directory, and its threads of the library. */
    private record Held(long mappings, long descriptors, long threads) {}

    @BeforeAll
    static void processFilesAreThere() {
        assumeTrue(Files.isReadable(Path.of("/proc/self/maps")), "no /proc/self/maps here");
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private Held held() throws IOException {
        long mappings;
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            mappings = lines.filter(line -> line.contains(directory.toString())).count();
        }
        long descriptors;
        try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
            descriptors = links.filter(this::leadsHere).count();
        }
        long threads =
                Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> thread.getName().startsWith("cairn"))
                        .filter(thread ->
                                thread.getName().contains(file().getFileName().toString()))
                        .count();
        return new Held(mappings, descriptors, threads);
    }

    private boolean leadsHere(Path link) {
        try {
            return Files.readSymbolicLink(link).startsWith(directory);
        } catch (IOException _) {
            return false; // closed meanwhile
        }
    }

    /**
     * Waits until the process holds what is expected. A thread that was told to end may take a
     * moment.
     */
    private void awaitHeld(Held expected) throws IOException {
        long start = System.nanoTime();
        while (!held().equals(expected) && System.nanoTime() - start < PATIENCE_NANOS) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(held()).isEqualTo(expected);
    }

    @Test
    void whatIsOpenIsSeen() throws IOException {
        Held none = held();
        try (CairnStore _ = Cairn.open(file(), OPTIONS)) {
            assertThat(held().mappings()).isGreaterThan(none.mappings());
            assertThat(held().descriptors()).isGreaterThan(none.descriptors());
            assertThat(held().threads()).isGreaterThan(none.threads());
        }
        awaitHeld(none);
    }

    @Test
    void thousandsOfOpensAndClosesLeaveNothing() throws Exception {
        Held before = held();
        List<WeakReference<Object>> closed = new ArrayList<>();
        for (int time = 0; time < TIMES; time++) {
            Object store = openUseAndClose(time);
            if (time % (TIMES / WATCHED) == 0) {
                closed.add(new WeakReference<>(store));
            }
        }
        awaitHeld(before);
        awaitCollected(closed);
        try (CairnStore store = Cairn.open(file(), OPTIONS)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThat(store.verify().damages()).isEmpty();
        }
        awaitHeld(before);
    }

    /**
     * Opens, uses and closes a store, in one way after the other. Returns what should be garbage
     * then.
     */
    private Object openUseAndClose(int time) throws Exception {
        byte[] key = Content.key(time % 50);
        byte[] value = Content.value(time % 50, time, 100);
        switch (time % 5) {
            case 0 -> {
                try (CairnMap<String, byte[]> map =
                        Cairn.map(Codecs.utf8(), Codecs.bytes())
                                .options(OPTIONS)
                                .nearCache(Caffeine.newBuilder().maximumSize(10))
                                .cacheAbsence()
                                .open(file())) {
                    map.set("key", value);
                    assertThat(map.get("key")).isEqualTo(value);
                    assertThat(map.get("none")).isNull();
                    return map;
                }
            }
            case 1 -> {
                try (CairnStore store = Cairn.open(file(), OPTIONS.withReadOnly(true))) {
                    assertThat(store.get(key)).isNull();
                    return store;
                }
            }
            case 2 -> {
                try (CairnStore store = Cairn.open(file(), OPTIONS);
                        ChangeFeed<byte[]> feed = store.watch();
                        CairnStore second = Cairn.open(file(), OPTIONS)) {
                    second.put(Content.key(1000), value);
                    assertThat(feed.poll(Duration.ofSeconds(60))).isNotNull();
                    return store;
                }
            }
            case 3 -> {
                Path copy = directory.resolve("backup.cairn");
                try (CairnStore store = Cairn.open(file(), OPTIONS)) {
                    store.put(Content.key(1001), new byte[200_000]); // makes the file grow
                    store.remove(Content.key(1001));
                    store.checkpoint();
                    store.backup(copy);
                    return store;
                } finally {
                    Files.deleteIfExists(copy);
                }
            }
            default -> {
                CairnStore store = Cairn.open(file(), OPTIONS);
                store.close();
                store.close();
                return store;
            }
        }
    }

    /** Waits until all are collected except one, which a frame of this thread may still name. */
    private static void awaitCollected(List<WeakReference<Object>> closed) {
        long start = System.nanoTime();
        while (left(closed) > 1 && System.nanoTime() - start < PATIENCE_NANOS) {
            System.gc();
            LockSupport.parkNanos(10_000_000);
        }
        assertThat(left(closed)).as("stores that something holds on to").isLessThanOrEqualTo(1);
    }

    private static long left(List<WeakReference<Object>> closed) {
        return closed.stream().filter(each -> each.get() != null).count();
    }
}
