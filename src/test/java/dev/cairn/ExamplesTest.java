package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codec;
import dev.cairn.codec.Codecs;
import dev.cairn.codec.Input;
import dev.cairn.codec.MalformedBytes;
import dev.cairn.codec.Output;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Guards the examples of the Javadoc, which shows regions of this file: they must compile and run.
 */
class ExamplesTest {
    private static final Path MAIN = Path.of("src/main/java/dev/cairn");

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private static void log(Object what) {
        assertThat(what).isNotNull();
    }

    @Test
    void open() {
        Path file = directory.resolve("sessions.cairn");
        // @start region="open"
        try (CairnStore store = Cairn.open(file)) { // created if absent; any number of processes
            byte[] key = "user:17".getBytes(UTF_8);
            store.put(key, "Ada".getBytes(UTF_8)); // visible at once to every process
            byte[] value = store.get(key); // lock-free; null when absent
            log(value);
            store.checkpoint(); // durable from here on
        }
        // @end
        // @start region="options"
        Options options =
                Options.defaults()
                        .withMaxBytes(10L << 30)
                        .withCheckpointEvery(Duration.ofMillis(200))
                        .withDefaultTimeToLive(Duration.ofHours(8));
        try (CairnStore store = Cairn.open(file, options)) {
            // @end
            assertThat(store.get("user:17".getBytes(UTF_8))).isEqualTo("Ada".getBytes(UTF_8));
        }
        Path shared = file.resolveSibling("pages.cairn");
        Path totalsFile = file.resolveSibling("totals.cairn");
        // @start region="eviction"
        Options cache = Options.defaults().withMaxBytes(256L << 20).withEviction(true);
        try (CairnStore store = Cairn.open(shared, cache)) { // any number of processes
            byte[] page = store.get("/index.html".getBytes(UTF_8));
            if (page == null) { // never put, or evicted
                store.put("/index.html".getBytes(UTF_8), "<html>...".getBytes(UTF_8));
            }
        }
        // @end
        // @start region="rollback"
        try (CairnStore totals = Cairn.open(totalsFile, Options.defaults().withRollback())) {
            byte[] next = totals.get("next line".getBytes(UTF_8)); // agrees with the totals, always
            long line = next == null ? 0 : ByteBuffer.wrap(next).getLong();
            line = addUp(totals, line); // a kill or a power loss from here on: as if not begun
            totals.put(
                    "next line".getBytes(UTF_8),
                    ByteBuffer.allocate(Long.BYTES).putLong(line).array());
            totals.checkpoint();
        }
        // @end
        // @start region="durability"
        Options careful = Options.defaults().withDurability(Durability.EACH_WRITE);
        try (CairnStore store = Cairn.open(file, careful)) {
            store.put("order:1".getBytes(UTF_8), new byte[] {1}); // returns when it is on the disk
        }
        // @end
    }

    private static long addUp(CairnStore totals, long line) {
        totals.put("total".getBytes(UTF_8), new byte[] {1});
        return line + 1;
    }

    @Test
    void sharedMemoryStores() throws IOException {
        String name = "cairn-example-" + UUID.randomUUID();
        Cairn.open(Cairn.sharedMemory(name)).close();
        // @start region="sharedMemoryStores"
        long unused = 0;
        for (SharedMemoryStore store : Cairn.sharedMemoryStores()) {
            if (store.state() == SharedMemoryStore.State.UNUSED) {
                System.out.printf("%s: %d bytes%n", store.name(), store.bytes());
                unused += store.bytes();
            }
        }
        // @end
        assertThat(unused).isPositive();
        // @start region="removeSharedMemory"
        long bytes = Cairn.removeSharedMemory(name); // StoreInUse if somebody has it open
        // @end
        assertThat(bytes).isPositive();
        assertThat(Files.exists(Cairn.sharedMemory(name))).isFalse();
    }

    @Test
    void sharedMemoryLeftovers() throws IOException {
        String name = "cairn-example-" + UUID.randomUUID();
        Path shared = Cairn.sharedMemory(name);
        Cairn.open(shared).close();
        Files.delete(shared);
        // @start region="removeSharedMemoryLeftovers"
        long freed = Cairn.removeSharedMemoryLeftovers(name); // never a data file
        // @end
        assertThat(freed).isPositive();
        assertThat(Files.exists(shared.resolveSibling(name + "-shm"))).isFalse();
        assertThat(Files.exists(shared.resolveSibling(name + "-lock"))).isFalse();
    }

    @Test
    void sharedMemory() throws IOException {
        String name = "cairn-example-" + UUID.randomUUID();
        // @start region="sharedMemory"
        Path shared = Cairn.sharedMemory(name); // the same for every process of the host
        try (CairnStore store = Cairn.open(shared)) {
            store.put("greeting".getBytes(UTF_8), "hello".getBytes(UTF_8));
        }
        // @end
        try (CairnStore store = Cairn.open(Path.of("shm:" + name))) {
            assertThat(store.get("greeting".getBytes(UTF_8))).isEqualTo("hello".getBytes(UTF_8));
        }
        assertThat(Cairn.removeSharedMemory(name)).isPositive();
    }

    @Test
    void versions() throws InterruptedException {
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            byte[] key = {1};
            // @start region="versions"
            long version = store.putIfAbsent(key, new byte[] {0}); // 0 if somebody was faster
            if (version != 0) {
                version = store.replace(key, version, new byte[] {1}); // 0 if somebody wrote since
            }
            Versioned entry = store.getVersioned(key); // value, version and expiry of one moment
            // @end
            assertThat(entry.version()).isEqualTo(version).isEqualTo(store.version(key));
            // @start region="awaitChange"
            long seen = store.version(key);
            long now = store.awaitChange(key, seen, Duration.ofMillis(10));
            boolean changed = now != seen; // by whatever process; 0 if it was removed
            // @end
            assertThat(changed).isFalse();
        }
    }

    @Test
    void timeToLive() {
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            byte[] key = {1};
            // @start region="timeToLive"
            store.put(key, new byte[] {1}, Duration.ofMinutes(30));
            Duration left = store.timeLeft(key).orElseThrow();
            store.put(key, new byte[] {2}, CairnStore.FOREVER); // whatever the default is
            // @end
            assertThat(left).isPositive();
            assertThat(store.timeLeft(key)).isEmpty();
        }
    }

    @Test
    void manyAtOnce() {
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            byte[] first = {1};
            byte[] second = {2};
            // @start region="bulk"
            store.putAll(
                    List.of(Map.entry(first, new byte[] {10}), Map.entry(second, new byte[] {20})));
            List<byte[]> values = store.getAll(List.of(first, second)); // null where absent
            // @end
            assertThat(values).containsExactly(new byte[] {10}, new byte[] {20});
        }
    }

    @Test
    void withoutACopy() {
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            byte[] key = {1};
            store.put(key, ByteBuffer.allocate(1000).putLong(992, 42).array());
            // @start region="read"
            ValueLayout.OfLong layout =
                    ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
            Long last = store.read(key, value -> value.get(layout, value.byteSize() - 8));

            byte[] buffer = new byte[4096]; // of one's own, used again and again
            long length = store.get(key, MemorySegment.ofArray(buffer)); // -1 when absent
            // @end
            assertThat(last).isEqualTo(42);
            assertThat(length).isEqualTo(1000);
        }
    }

    @Test
    void changes() throws InterruptedException {
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            List<String> told = new ArrayList<>();
            // @start region="watch"
            try (ChangeFeed<byte[]> feed = store.watch()) {
                store.put("k".getBytes(UTF_8), new byte[1]);
                Change<byte[]> change = feed.poll(Duration.ofSeconds(1)); // null if there was none
                switch (change) {
                    case null -> told.add("nothing");
                    case Change.Put<byte[]> put -> told.add("put " + put.version());
                    case Change.Removed<byte[]> removed -> told.add("removed " + removed.version());
                    case Change.Lagged<byte[]> lagged -> // read that stripe again
                            store.forEachIn(
                                    lagged.stripe(), (key, _) -> told.add(new String(key, UTF_8)));
                }
            }
            // @end
            assertThat(told).containsExactly("put " + store.version("k".getBytes(UTF_8)));
        }
    }

    @Test
    void checkpoints() {
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            store.put(new byte[] {1}, new byte[] {1});
            // @start region="checkpointAsync"
            CompletableFuture<Void> durable =
                    store.checkpointAsync()
                            .thenAccept(epoch -> log("safe from power loss since " + epoch));
            // @end
            durable.join();
            assertThat(store.stats().durableEpoch()).isPositive();
        }
    }

    @Test
    void figures() {
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            // @start region="figures"
            Recovery recovery = store.recovery(); // what opening found and did
            log(recovery.kind() + " in " + recovery.time() + ": " + recovery.detail());

            Stats stats = store.stats();
            log(stats.entries() + " entries in " + stats.dataFileBytes() + " bytes");

            Verification verification = store.verify(); // compares every checksum
            if (!verification.sound()) {
                verification.damages().forEach(ExamplesTest::log);
            }
            // @end
            assertThat(verification.sound()).isTrue();
        }
    }

    @Test
    void copies() {
        Path file = directory.resolve("store.cairn");
        Path copy = directory.resolve("copy.cairn");
        Path saved = directory.resolve("saved.cairn");
        try (CairnStore store = Cairn.open(file)) {
            store.put(new byte[] {1}, new byte[] {1});
            // @start region="backup"
            store.checkpoint(); // so that the backup has everything until here
            store.backup(copy);
            try (CairnStore backup = Cairn.open(copy, Options.defaults().withReadOnly(true))) {
                log(backup.verify().sound()); // opens where it lies
            }
            // @end
            try (CairnStore opened = Cairn.open(copy)) {
                assertThat(opened.size()).isEqualTo(1);
            }
        }
        // @start region="salvage"
        Salvage report = Cairn.salvage(file, saved); // of a damaged store, whatever is sound
        log(report.entries() + " of " + report.expected() + " entries copied");
        report.damages().forEach(ExamplesTest::log);
        // @end
        assertThat(report.complete()).isTrue();
        // @start region="openingProgress"
        OpeningProgress progress = Cairn.openingProgress(file); // of another process; null if none
        if (progress != null && progress.recovering()) {
            log(progress.percent() + " % recovered");
        }
        // @end
        assertThat(progress).isNull();
    }

    record Session(UUID user, String name, Instant lastSeen) {}

    @Test
    void maps() {
        Path file = directory.resolve("sessions.cairn");
        UUID ada = UUID.randomUUID();
        // @start region="map"
        try (CairnMap<String, Session> sessions =
                Cairn.map(Codecs.utf8(), Codecs.javaRecord(Session.class))
                        .nearCache(Caffeine.newBuilder().maximumSize(100_000)) // strictly coherent
                        .open(file)) {
            Session s = sessions.get("17", _ -> new Session(ada, "Ada", Instant.now()));
            sessions.computeIfPresent(
                    "17", (_, old) -> new Session(old.user(), old.name(), Instant.now()));
            // @end
            assertThat(s.user()).isEqualTo(ada);
            assertThat(sessions).hasSize(1);
        }
    }

    @Test
    void nearCaches() {
        // @start region="nearCache"
        Caffeine<Object, CachedEntry<String>> byWeight =
                Caffeine.newBuilder()
                        .maximumWeight(100L << 20)
                        .recordStats()
                        .weigher((Object _, CachedEntry<String> it) -> 200 + it.encodedBytes());
        MapBuilder<String, String> builder =
                Cairn.map(Codecs.utf8(), Codecs.utf8()).nearCache(byWeight);
        try (CairnMap<String, String> map = builder.open(directory.resolve("map.cairn"))) {
            map.put("k", "v");
            log(map.get("k"));
            NearCacheStats stats = map.nearCacheStats();
            log(stats.confirmed() + " hits confirmed, " + stats.stale() + " found stale");
        }
        // @end
    }

    private static Session loadFromDatabase(String id) {
        return new Session(UUID.randomUUID(), "user " + id, Instant.now());
    }

    private static Map<String, Session> loadAll(Set<String> ids) {
        return ids.stream().collect(Collectors.toMap(id -> id, ExamplesTest::loadFromDatabase));
    }

    @Test
    void caches() {
        Path file = directory.resolve("sessions.cairn");
        // @start region="cache"
        CacheBuilder<String, Session> builder =
                Cairn.cache(Codecs.utf8(), Codecs.javaRecord(Session.class))
                        .maxBytes(256L << 20) // evicts beyond that
                        .expireAfterWrite(Duration.ofHours(1))
                        .refreshAfterWrite(Duration.ofMinutes(5)) // the old value, and one reload
                        .negativeTimeToLive(Duration.ofSeconds(30)); // remembers that there is none
        try (CairnCache<String, Session> sessions = builder.open(file)) {
            Session s = sessions.get("17", id -> loadFromDatabase(id)); // one loader on the host
            log(s.name());
            Map<String, Session> all =
                    sessions.getAll(List.of("17", "18"), ids -> loadAll(ids)); // of "18" alone
            sessions.invalidate("17"); // a load that is under way writes nothing any more
            CacheStats stats = sessions.stats(); // of all processes
            log(stats.hits() + " hits, " + stats.misses() + " misses, " + stats.loads() + " loads");
            // @end
            assertThat(all).containsOnlyKeys("17", "18");
            assertThat(stats.hits()).isEqualTo(1);
            assertThat(stats.loads()).isEqualTo(2);
            // @start region="invalidateAll"
            sessions.invalidateAll(); // of all processes; loads that are under way write nothing
            // @end
            assertThat(sessions.store().size()).isZero();
        }
    }

    // @start region="codec"
    /** A point as two numbers of four bytes. */
    record Point(int x, int y) {}

    /** Reads and writes it. */
    static final class PointCodec implements Codec<Point> {
        @Override
        public void encode(Point point, Output out) {
            out.int32(point.x());
            out.int32(point.y());
        }

        @Override
        public Point decode(Input in) {
            Point point = new Point(in.int32(), in.int32()); // MalformedBytes if the bytes end
            in.requireEnd();
            return point;
        }
    }

    // @end

    @Test
    void codecs() {
        Path file = directory.resolve("points.cairn");
        try (CairnMap<String, Point> points =
                Cairn.map(Codecs.utf8(), new PointCodec()).open(file)) {
            points.put("origin", new Point(0, 0));
            points.store().put("bad".getBytes(UTF_8), new byte[3]);
            // @start region="undecodable"
            try {
                log(points.get("bad"));
            } catch (UndecodableEntry e) { // sound bytes, of another codec or version of the type
                log(e.getCause());
                // @end
                assertThat(e).hasCauseInstanceOf(MalformedBytes.class);
                assertThat(e.path()).isEqualTo(file);
            }
            assertThat(points.get("origin")).isEqualTo(new Point(0, 0));
        }
    }

    // @start region="exceptions"
    /** What to tell an operator. */
    static String advice(CairnException e) {
        return e.path()
                + switch (e) {
                    case StoreFull full -> ": make room for %d bytes".formatted(full.wanted());
                    case LockTimeout slow -> ": look at process %s".formatted(slow.holder());
                    case CheckpointFailed _ -> ": look at the disk, then make a checkpoint";
                    case CorruptStore damaged -> ": " + damaged.wayOut().orElse("verify it");
                    case UndecodableEntry _ -> ": was written with another codec";
                    case IncompatibleFormat _ -> ": use the Cairn that wrote it";
                    case LimitReached full -> ": at most %d at once".formatted(full.limit());
                    case Overtaken _ -> ": try again";
                    case StoreClosed _ -> ": open it again";
                    case StoreInUse _ -> ": close it everywhere";
                    case StoreReplaced _ -> ": close it everywhere, after a backup";
                    case SystemFailure _ -> ": look at the limits of the process";
                    case UnsupportedFileSystem _ -> ": use a local disk";
                };
    }

    // @end

    @Test
    void exceptions() {
        Options small = Options.defaults().withStripes(1).withMaxBytes(1 << 20);
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file, small)) {
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; i < 1_000; i++) {
                                    store.put(
                                            ByteBuffer.allocate(4).putInt(i).array(),
                                            new byte[10_000]);
                                }
                            })
                    .isInstanceOfSatisfying(
                            CairnException.class,
                            e -> assertThat(advice(e)).startsWith(file + ": make room for "));
        }
    }

    /** Every region that the Javadoc shows must be in this file. */
    @Test
    void theJavadocShowsWhatIsHere() throws IOException {
        Pattern shown =
                Pattern.compile("@snippet class=\"dev\\.cairn\\.ExamplesTest\" region=\"(\\w+)\"");
        String here = Files.readString(Path.of("src/test/java/dev/cairn/ExamplesTest.java"));
        Set<String> regions = new TreeSet<>();
        Matcher starts = Pattern.compile("@start region=\"(\\w+)\"").matcher(here);
        while (starts.find()) {
            regions.add(starts.group(1));
        }
        Set<String> inJavadoc = new TreeSet<>();
        try (Stream<Path> sources = Files.walk(MAIN)) {
            for (Path source : sources.filter(path -> path.toString().endsWith(".java")).toList()) {
                Matcher snippets = shown.matcher(Files.readString(source));
                while (snippets.find()) {
                    inJavadoc.add(snippets.group(1));
                }
            }
        }
        assertThat(inJavadoc).isEqualTo(regions);
    }

    /** Every type that a program can name must have its place in an example. */
    @Test
    void everyPublicTypeIsInAnExample() throws IOException, ClassNotFoundException {
        String here = Files.readString(Path.of("src/test/java/dev/cairn/ExamplesTest.java"));
        for (String exported : List.of("dev.cairn", "dev.cairn.codec")) {
            for (Class<?> type : ApiTest.publicTypes(exported)) {
                if (type.getEnclosingClass() == null) {
                    assertThat(here).contains(type.getSimpleName());
                }
            }
        }
    }
}
