package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.StringTokenizer;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Attacks opening, sharing, refusing and closing a store. */
@Timeout(600)
class OpenCloseTest {
    private static final byte[] KEY = Content.key(1);
    private static final byte[] VALUE = Content.value(1, 1, 100);
    private static final Options SMALL = Options.defaults().withStripes(1);
    private static final Options READ_ONLY = SMALL.withReadOnly(true);

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private Path beside(String suffix) {
        return directory.resolve("store.cairn" + suffix);
    }

    private CairnStore filled() {
        CairnStore store = Cairn.open(file(), SMALL);
        store.put(KEY, VALUE);
        return store;
    }

    private List<Consumer<CairnStore>> everyMethod() {
        return Stream.concat(everyWrite().stream(), everyOther().stream()).toList();
    }

    private static List<Consumer<CairnStore>> everyWrite() {
        return List.of(
                store -> store.put(KEY, VALUE),
                store -> store.put(KEY, VALUE, Duration.ofDays(1)),
                store -> store.putAll(List.of(Map.entry(KEY, VALUE))),
                store -> store.putAll(List.of(Map.entry(KEY, VALUE)), Duration.ofDays(1)),
                store -> store.putIfAbsent(KEY, VALUE),
                store -> store.putIfAbsent(KEY, VALUE, Duration.ofDays(1)),
                store -> store.replace(KEY, 1, VALUE),
                store -> store.replace(KEY, 1, VALUE, Duration.ofDays(1)),
                store -> store.remove(KEY),
                store -> store.remove(KEY, 1));
    }

    private List<Consumer<CairnStore>> everyOther() {
        return List.of(
                store -> store.get(KEY),
                store -> store.get(KEY, MemorySegment.ofArray(new byte[1])),
                store -> store.read(KEY, MemorySegment::byteSize),
                store -> store.version(KEY),
                store -> store.timeLeft(KEY),
                CairnStore::stripes,
                OpenCloseTest::checkpointAsync,
                store -> store.getVersioned(KEY),
                store -> store.getAll(List.of(KEY)),
                store -> store.containsKey(KEY),
                store -> store.forEach((_, _) -> {}),
                store -> store.forEachWhile((_, _) -> true),
                store -> store.forEachVersioned((_, _) -> {}),
                store -> store.forEachVersionedWhile((_, _) -> true),
                store -> store.forEachIn(0, (_, _) -> {}),
                store -> store.stripeOf(KEY),
                OpenCloseTest::awaitChange,
                OpenCloseTest::watch,
                CairnStore::size,
                CairnStore::checkpoint,
                CairnStore::compact,
                store -> store.backup(directory.resolve("backup" + UUID.randomUUID())),
                CairnStore::stats,
                CairnStore::verify,
                CairnStore::recovery);
    }

    private static void checkpointAsync(CairnStore store) {
        try {
            long _ = store.checkpointAsync().join();
        } catch (CompletionException e) {
            throw (RuntimeException) e.getCause();
        }
    }

    private static void awaitChange(CairnStore store) {
        try {
            long _ = store.awaitChange(KEY, Long.MAX_VALUE, Duration.ofMillis(1));
            long seen = store.containsKey(KEY) ? 1 : 0;
            long _ = store.awaitChange(KEY, seen, Duration.ofMillis(30));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void watch(CairnStore store) {
        try (ChangeFeed<byte[]> feed = store.watch()) {
            Change<byte[]> _ = feed.poll(Duration.ofMillis(30));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void everyMethodOfAClosedStoreSaysThatItIsClosed() {
        CairnStore store = filled();
        store.close();
        long methods =
                Stream.of(CairnStore.class.getDeclaredMethods())
                        .filter(method -> !method.isSynthetic())
                        .count();
        assertThat(everyMethod())
                .hasSize((int) methods - 2) // all except close itself and path
                .allSatisfy(method ->
                        assertThatThrownBy(() -> method.accept(store))
                                .isInstanceOf(StoreClosed.class)
                                .hasMessageContaining(file().toString()));
        assertThatCode(store::close).doesNotThrowAnyException();
        assertThat(store.path()).isEqualTo(file());
    }

    @Test
    void whoeverUsesAStoreThatIsBeingClosedIsToldSoAndNothingElse() throws Exception {
        for (int round = 0; round < Rounds.of(12, 60); round++) {
            Path path = directory.resolve("round" + round);
            CairnStore store = Cairn.open(path, Options.defaults().withStripes(2));
            var told = new ConcurrentLinkedQueue<Throwable>();
            List<Consumer<CairnStore>> methods = everyMethod();
            CountDownLatch started = new CountDownLatch(methods.size());
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < methods.size(); i++) {
                threads.add(inLoop(store, methods.get(i), i, started, told));
            }
            started.await();
            store.close();
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(told)
                    .hasSize(methods.size())
                    .allSatisfy(each -> assertThat(each).isInstanceOf(StoreClosed.class));
            try (CairnStore again = Cairn.open(path)) {
                assertThat(again.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
                assertThat(again.verify().damages()).isEmpty();
            }
        }
    }

    private static Thread inLoop(
            CairnStore store,
            Consumer<CairnStore> method,
            int number,
            CountDownLatch started,
            ConcurrentLinkedQueue<Throwable> told) {
        return Thread.ofPlatform()
                .start(() -> {
                    try {
                        started.countDown();
                        for (int i = 0; ; i++) {
                            method.accept(store);
                            if (number % 3 == 0) {
                                store.put(Content.key(i), Content.value(i, number, i % 300));
                            }
                        }
                    } catch (Throwable e) {
                        told.add(e);
                    }
                });
    }

    @Test
    void oneStoreOpenedTwiceIsOneMapping() {
        try (CairnStore first = filled()) {
            CairnStore second = Cairn.open(file(), SMALL);
            assertThat(second.stats().processes()).isEqualTo(1);
            assertThat(second.get(KEY)).isEqualTo(VALUE);
            second.close();
            second.close();
            assertThatThrownBy(() -> second.get(KEY)).isInstanceOf(StoreClosed.class);
            first.put(Content.key(2), VALUE);
            assertThat(first.size()).isEqualTo(2);
        }
    }

    @Test
    void twoClassLoadersShareOneFile() throws Exception {
        try (CairnStore ours = filled();
                URLClassLoader loader = anotherLoader()) {
            Class<?> cairn = loader.loadClass(Cairn.class.getName());
            Class<?> type = loader.loadClass(CairnStore.class.getName());
            assertThat(cairn).isNotSameAs(Cairn.class);
            Object theirs = cairn.getMethod("open", Path.class).invoke(null, file());
            Method get = type.getMethod("get", byte[].class);
            Method put = type.getMethod("put", byte[].class, byte[].class);
            assertThat(get.invoke(theirs, KEY)).isEqualTo(VALUE);
            byte[] other = Content.value(1, 2, 5000);
            put.invoke(theirs, KEY, other);
            assertThat(ours.get(KEY)).isEqualTo(other);
            ours.put(KEY, VALUE);
            assertThat(get.invoke(theirs, KEY)).isEqualTo(VALUE);
            assertThat(ours.stats().processes()).isEqualTo(2);
            type.getMethod("close").invoke(theirs);
            assertThatThrownBy(() -> get.invoke(theirs, KEY))
                    .isInstanceOf(InvocationTargetException.class)
                    .hasRootCauseMessage(
                            file() + ": this store is closed; open it again with Cairn.open");
            assertThat(ours.get(KEY)).isEqualTo(VALUE);
            ours.put(Content.key(2), VALUE);
        }
        reopensCleanly(2);
    }

    /** Whoever lists, stores or copies the system properties expects strings. */
    @Test
    void nothingButStringsIsAmongTheSystemProperties() {
        CairnStore store = filled();
        requireStrings(System.getProperties());
        store.close();
        requireStrings(System.getProperties());
    }

    private static void requireStrings(Properties properties) {
        assertThat(properties.keySet()).allMatch(String.class::isInstance);
        assertThat(properties.values()).allMatch(String.class::isInstance);
    }

    private static URLClassLoader anotherLoader() throws IOException {
        List<URL> urls = new ArrayList<>();
        var entries = new StringTokenizer(System.getProperty("java.class.path"), ":");
        while (entries.hasMoreTokens()) {
            urls.add(Path.of(entries.nextToken()).toUri().toURL());
        }
        return new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
    }

    private void reopensCleanly(long entries) {
        try (CairnStore again = Cairn.open(file())) {
            assertThat(again.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThat(again.size()).isEqualTo(entries);
            assertThat(again.verify().damages()).isEmpty();
        }
    }

    @Test
    void readOnlyStoreRefusesToWrite() {
        filled().close();
        try (CairnStore store = Cairn.open(file(), READ_ONLY)) {
            refusesWrites(store);
            assertThat(store.get(KEY)).isEqualTo(VALUE);
        }
    }

    /** A read-only handle must refuse to write even while another handle of this process may. */
    @Test
    void readOnlyHandleBesideAWritingOneRefusesToWrite() {
        try (CairnStore writing = filled();
                CairnStore store = Cairn.open(file(), READ_ONLY)) {
            refusesWrites(store);
            writing.put(Content.key(2), VALUE);
            assertThat(store.get(Content.key(2))).isEqualTo(VALUE);
        }
    }

    private void refusesWrites(CairnStore store) {
        assertThat(everyWrite())
                .allSatisfy(write ->
                        assertThatThrownBy(() -> write.accept(store))
                                .isInstanceOf(UnsupportedOperationException.class));
    }

    @Test
    void readOnlyMakesNoStore() throws IOException {
        assertThatThrownBy(() -> Cairn.open(file(), READ_ONLY))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(file().toString());
        assertThat(files()).isEmpty();
    }

    @Test
    void readOnlyWorksWhereNothingCanBeWritten() throws Exception {
        filled().close();
        try (Mount mount = Mount.readOnly(directory, directory.resolve("mount"));
                CairnStore store =
                        Cairn.open(mount.directory().resolve("store.cairn"), READ_ONLY)) {
            assertThat(store.get(KEY)).isEqualTo(VALUE);
            assertThat(store.verify().damages()).isEmpty();
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThatThrownBy(() -> Cairn.open(mount.directory().resolve("other.cairn")))
                    .isInstanceOf(UncheckedIOException.class);
        }
    }

    @Test
    void readOnlyIsASnapshotWhereTheSharedMemoryFileIsGone() throws IOException {
        filled().close();
        Files.delete(beside("-shm"));
        try (CairnStore store = Cairn.open(file(), READ_ONLY)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.SNAPSHOT);
            assertThat(store.get(KEY)).isEqualTo(VALUE);
            refusesWrites(store);
        }
        assertThat(beside("-shm")).doesNotExist();
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.REBUILT);
            assertThat(store.get(KEY)).isEqualTo(VALUE);
        }
    }

    @Test
    void symbolicLinkIsTheSameStore() throws IOException {
        Path link = directory.resolve("link");
        try (CairnStore store = filled()) {
            Files.createSymbolicLink(link, file());
            try (CairnStore linked = Cairn.open(link)) {
                linked.put(Content.key(2), VALUE);
                assertThat(store.size()).isEqualTo(2);
                assertThat(store.stats().processes()).isEqualTo(1);
            }
        }
        assertThat(files())
                .containsExactlyInAnyOrder(
                        "store.cairn", "store.cairn-shm", "store.cairn-lock", "link");
    }

    @Test
    void secondHardLinkIsRefused() throws IOException {
        filled().close();
        Path second = directory.resolve("second");
        Files.createLink(second, file());
        for (Path name : List.of(file(), second)) {
            assertThatThrownBy(() -> Cairn.open(name))
                    .isInstanceOf(IncompatibleFormat.class)
                    .hasMessageContaining(name.toString())
                    .hasMessageContaining("2 hard links");
        }
        Files.delete(second);
        reopensCleanly(1);
    }

    @Test
    void everyFileBelongsToItsOwnerAloneAndNothingElseIsLeft() throws IOException {
        filled().close();
        assertThat(files())
                .containsExactlyInAnyOrder("store.cairn", "store.cairn-shm", "store.cairn-lock");
        for (String name : files()) {
            assertThat(Files.getPosixFilePermissions(directory.resolve(name)))
                    .as(name)
                    .isEqualTo(
                            Set.of(
                                    PosixFilePermission.OWNER_READ,
                                    PosixFilePermission.OWNER_WRITE));
        }
    }

    private List<String> files() throws IOException {
        try (Stream<Path> names = Files.list(directory)) {
            return names.map(name -> name.getFileName().toString()).toList();
        }
    }

    @Test
    void fullStoreSaysSoAndGoesOnReading() {
        Options bounded = SMALL.withMaxBytes(1 << 20);
        long last;
        try (CairnStore store = Cairn.open(file(), bounded)) {
            last = fillUp(store);
            assertThat(Files.exists(file())).isTrue();
            readsAll(store, last);
        }
        assertThat(file().toFile().length()).isLessThanOrEqualTo(1 << 20);
        try (CairnStore store = Cairn.open(file(), bounded)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            readsAll(store, last);
        }
        try (CairnStore store = Cairn.open(file(), bounded.withMaxBytes(2 << 20))) {
            store.put(Content.key(last), Content.value(last, 0, 1000));
            readsAll(store, last + 1);
        }
    }

    @Test
    void fullDiskIsToldAndTheStoreGoesOnReading() throws Exception {
        try (Mount mount = Mount.memory(Files.createDirectory(directory.resolve("disk")), "16m")) {
            Path path = mount.directory().resolve("store.cairn");
            long last;
            try (CairnStore store = Cairn.open(path, SMALL)) {
                last = fillUp(store);
                readsAll(store, last);
            }
            try (CairnStore store = Cairn.open(path, SMALL)) {
                readsAll(store, last);
                assertThatThrownBy(() -> store.put(KEY, new byte[2 << 20]))
                        .isInstanceOf(StoreFull.class);
            }
        }
    }

    @Test
    void noSpaceToCreateAStoreIsAFullStore() throws Exception {
        try (Mount mount = Mount.memory(Files.createDirectory(directory.resolve("disk")), "64k")) {
            assertThatThrownBy(() -> Cairn.open(mount.directory().resolve("store.cairn")))
                    .isInstanceOf(StoreFull.class)
                    .hasMessageContaining("store.cairn");
        }
    }

    private static long fillUp(CairnStore store) {
        for (long i = 0; ; i++) {
            try {
                store.put(Content.key(i), Content.value(i, 0, 1000));
            } catch (StoreFull full) {
                assertThat(full).hasMessageContaining("store.cairn");
                return i;
            }
        }
    }

    private static void readsAll(CairnStore store, long count) {
        assertThat(store.size()).isEqualTo(count);
        for (long i = 0; i < count; i++) {
            assertThat(store.get(Content.key(i))).isEqualTo(Content.value(i, 0, 1000));
        }
        assertThat(store.verify().damages()).isEmpty();
    }

    @Test
    void interruptDoesNoHarmToReadsAndWrites() {
        try (var _ = new SmallScale();
                CairnStore store = filled()) {
            for (int i = 0; i < 2000; i++) {
                Thread.currentThread().interrupt();
                store.put(Content.key(i), Content.value(i, 0, i));
                assertThat(store.get(Content.key(i))).isEqualTo(Content.value(i, 0, i));
                assertThat(Thread.interrupted()).isTrue();
            }
            assertThat(store.verify().damages()).isEmpty();
        }
        reopensCleanly(2000);
    }

    @Test
    void interruptedThreadOpensOrIsTold() {
        filled().close();
        for (Options options : List.of(SMALL, READ_ONLY)) {
            Thread.currentThread().interrupt();
            try (CairnStore store = Cairn.open(file(), options)) {
                assertThat(store.get(KEY)).isEqualTo(VALUE);
                boolean _ = Thread.interrupted();
            } catch (UncheckedIOException told) {
                assertThat(told).hasCauseInstanceOf(IOException.class);
            } finally {
                boolean _ = Thread.interrupted();
            }
        }
        reopensCleanly(1);
    }

    @Test
    void interruptedThreadClosesAsAnyOther() {
        CairnStore store = filled();
        Thread.currentThread().interrupt();
        try {
            assertThatCode(store::close).doesNotThrowAnyException();
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        reopensCleanly(1);
    }

    /** A store to a hole would meet a full disk as a signal that kills the JVM. */
    @Test
    void holesOfASparseCopyAreGivenBlocksBeforeTheyAreUsed() throws Exception {
        filled().close();
        Path copy = directory.resolve("copy.cairn");
        output("cp", "--sparse=always", file().toString(), copy.toString());
        assertThat(allocatedBytes(copy)).isLessThan(Files.size(copy));
        try (CairnStore store = Cairn.open(copy, SMALL)) {
            assertThat(store.get(KEY)).isEqualTo(VALUE);
            for (int i = 0; i < 8; i++) {
                store.put(new byte[] {(byte) i, 0}, new byte[40_000]); // each takes another region
            }
            assertThat(allocatedBytes(copy)).isGreaterThan(8 * store.stats().regionBytes());
        }
    }

    /** What a private view shows may be used again once a newer checkpoint stands in the file. */
    @Test
    void snapshotThatWasOvertakenSaysSo() throws Exception {
        filled().close();
        Files.delete(beside("-shm"));
        try (CairnStore snapshot = Cairn.open(file(), READ_ONLY)) {
            assertThat(snapshot.recovery().kind()).isEqualTo(Recovery.Kind.SNAPSHOT);
            assertThat(snapshot.get(KEY)).isEqualTo(VALUE);
            filled().close();
            assertThatThrownBy(() -> snapshot.get(KEY))
                    .isInstanceOf(Overtaken.class)
                    .hasMessageContaining("overtook");
        }
    }

    private static long allocatedBytes(Path path) throws Exception {
        return 512 * Long.parseLong(output("stat", "-c", "%b", path.toString()).strip());
    }

    private static String output(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }
}
