package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.codec.Codecs;
import dev.cairn.format.ClaimWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Attacks the promise that no error inside a call leaves anything taken. The stack or the memory
 * ends at any place inside a call. Afterwards every stripe must be writable, every key loadable, a
 * checkpoint possible, and the store must close.
 */
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ErrorsTest {
    private static final int STRIPES = 2;
    private static final int KEYS = 8;
    private static final long STACK_BYTES = 512 << 10;
    private static final long PATIENCE_SECONDS = 60;

    /** If so many calls in a row come through, there is stack to spare. */
    private static final int ENOUGH = 30;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    /**
     * If the initialiser of a class finds no stack, the class is lost for this JVM. Comparing keys
     * of one hash needs this one.
     */
    @BeforeAll
    static void loadWhatComparesKeys() {
        assertThat(ByteBuffer.wrap(new byte[9])).isEqualTo(ByteBuffer.wrap(new byte[9]));
    }

    @AfterEach
    void stopListening() {
        Steps.listen(null);
    }

    private Path file() {
        return directory.resolve("map.cairn");
    }

    private CairnMap<String, byte[]> open() {
        return Cairn.map(Codecs.utf8(), Codecs.bytes())
                .options(
                        Options.defaults()
                                .withStripes(STRIPES)
                                .withLockTimeout(Duration.ofSeconds(5))
                                .withManualCheckpoints())
                .loadTimeout(Duration.ofSeconds(5))
                .open(file());
    }

    private static String key(int number) {
        return "key " + number % KEYS;
    }

    /** What is called with less and less stack left. */
    enum Call {
        PUT((map, turn) -> map.set(key(turn), new byte[turn % 300])),
        PUT_WITH_TTL(
                (map, turn) -> map.set(key(turn), new byte[9], Duration.ofMillis(turn % 9 + 1))),
        PUT_LARGE((map, turn) -> map.set(key(turn), new byte[turn % 3 * 50_000])),
        GET((map, turn) -> map.get(key(turn))),
        REMOVE((map, turn) -> {
            map.set(key(turn), new byte[1]);
            map.remove(key(turn));
        }),
        COMPUTE((map, turn) -> map.compute(key(turn), (_, _) -> new byte[turn % 7 + 1])),
        LOAD((map, turn) -> {
            map.computeIfAbsent(key(turn), _ -> new byte[1]);
            map.remove(key(turn));
        }),
        CHECKPOINT((map, turn) -> {
            map.set(key(turn), new byte[1]);
            map.checkpoint();
        }),
        COMPACT((map, _) -> map.store().compact()),
        VERIFY((map, _) -> map.store().verify());

        private interface Turn {
            void of(CairnMap<String, byte[]> map, int turn);
        }

        @SuppressWarnings("ImmutableEnumChecker") // a lambda that captures nothing
        private final Turn turn;

        Call(Turn turn) {
            this.turn = turn;
        }
    }

    @ParameterizedTest
    @EnumSource
    void endsOfTheStack(Call call) throws Exception {
        CairnMap<String, byte[]> map = open();
        int overflows = onEachFrame(turn -> call.turn.of(map, turn));
        assertThat(overflows).isPositive();
        letsEverythingGoOn(map);
    }

    /** If the stack does not suffice for all of closing, closing must do nothing at all. */
    @Test
    void closeWhereTheStackEnds() throws Exception {
        for (int round = 0; round < 5; round++) {
            CairnMap<String, byte[]> map = open();
            map.set("round", new byte[] {(byte) round});
            int[] counts = {0, ENOUGH - 1, 0};
            inDeepThread(descent(_ -> map.close(), counts));
            assertThat(counts[0]).isPositive();
            letsEverythingGoOn(open());
        }
    }

    /** The endless recursion is in the loader, which loads another key. */
    @Test
    void aLoaderThatLoadsForEver() throws Exception {
        CairnMap<String, byte[]> map = open();
        inDeepThread(() -> endless(map, 0));
        for (int i = 0; i < 100; i++) {
            String key = "endless " + i;
            assertThat(within(() -> map.computeIfAbsent(key, _ -> new byte[1]))).hasSize(1);
        }
        letsEverythingGoOn(map);
    }

    private static void endless(CairnMap<String, byte[]> map, int depth) {
        try {
            map.computeIfAbsent(
                    "endless " + depth,
                    _ -> {
                        endless(map, depth + 1);
                        return new byte[1];
                    });
        } catch (StackOverflowError _) {
            // This is expected at every depth.
        }
    }

    /** An error comes at each step of a write, as if it found no memory. */
    @Test
    void errorsAtTheSteps() throws Exception {
        CairnMap<String, byte[]> map = open();
        int[] thrown = {0};
        for (int turn = 0; turn < 400; turn++) {
            int[] left = {turn % 40};
            Thread own = Thread.currentThread();
            Steps.listen(_ -> {
                if (Thread.currentThread() == own && left[0]-- == 0) {
                    throw new OutOfMemoryError("by the test");
                }
            });
            try {
                map.set(key(turn), new byte[turn % 3 * 20_000]);
                map.remove(key(turn + 1));
                map.checkpoint();
            } catch (OutOfMemoryError _) {
                thrown[0]++;
            } finally {
                Steps.listen(null);
            }
        }
        assertThat(thrown[0]).isPositive();
        letsEverythingGoOn(map);
    }

    /**
     * Runs a call where no further frame fits, then in each frame further out. Returns how often it
     * failed.
     */
    private static int onEachFrame(Consumer<Integer> call) throws Exception {
        for (int turn = 0; turn < ENOUGH; turn++) { // loads classes with stack to spare
            call.accept(turn);
        }
        int[] counts = {0, 0, 0};
        for (int round = 0; round < 5; round++) { // interpreted, then compiled
            counts[1] = 0;
            inDeepThread(descent(call, counts));
        }
        return counts[0];
    }

    /**
     * Calls through a handle that the compiler cannot see through. If the compiler had compiled the
     * call into a method, that method would reserve the stack for all of it on entry. Then the
     * innermost frame that fits would have so much stack left that the call never overflows.
     */
    private static Runnable descent(Consumer<Integer> call, int[] counts) throws Exception {
        MethodHandle handle =
                MethodHandles.lookup()
                        .findVirtual(
                                Consumer.class,
                                "accept",
                                MethodType.methodType(void.class, Object.class))
                        .bindTo(call)
                        .asType(MethodType.methodType(void.class, int.class));
        return () -> descend(handle, counts);
    }

    private static void inDeepThread(Runnable work) throws InterruptedException {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread thread = new Thread(null, work, "deep", STACK_BYTES);
        thread.setUncaughtExceptionHandler((_, e) -> thrown.set(e));
        thread.start();
        thread.join();
        assertThat(thrown.get()).isNull();
    }

    @SuppressWarnings("InfiniteRecursion") // until the stack ends
    private static void descend(MethodHandle call, int[] counts) {
        try {
            descend(call, counts);
        } catch (StackOverflowError _) {
            // This is the innermost frame, or the call had no stack.
        }
        if (counts[1] < ENOUGH) {
            counts[2]++;
            try {
                call.invokeExact(counts[2]);
                counts[1]++;
            } catch (StackOverflowError _) {
                counts[0]++;
                counts[1] = counts[1] == ENOUGH - 1 ? counts[1] : 0;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }
    }

    private void letsEverythingGoOn(CairnMap<String, byte[]> map) throws Exception {
        CairnStore store = map.store();
        boolean[] written = new boolean[STRIPES];
        for (int i = 0; i < 50 || !(written[0] && written[1]); i++) {
            String key = "then " + i;
            assertThat(within(() -> map.set(key, new byte[1]))).isPositive();
            written[map.stripeOf(key)] = true;
        }
        for (int i = 0; i < KEYS; i++) {
            String key = key(i);
            assertThat(
                            within(() -> {
                                map.remove(key);
                                return map.computeIfAbsent(key, _ -> new byte[2]);
                            }))
                    .hasSize(2);
        }
        assertThat(within(store::checkpoint)).isPositive();
        assertThat(within(store::compact)).isNotNegative();
        assertThat(within(store::verify).damages()).isEmpty();
        waitUntilNothingNamesThisProcess();
        assertThat(
                        within(() -> {
                            map.close();
                            return true;
                        }))
                .isTrue();
        try (CairnStore again = Cairn.open(file())) {
            assertThat(again.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThat(again.verify().damages()).isEmpty();
        }
    }

    private static <T> T within(java.util.concurrent.Callable<T> call) throws Exception {
        FutureTask<T> task = new FutureTask<>(call);
        Thread.ofPlatform().daemon().start(task);
        return task.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /**
     * Waits until no lock or claim names this process, since other processes would wait for those
     * that do.
     */
    private void waitUntilNothingNamesThisProcess() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        long[] left = names();
        while (Arrays.stream(left).anyMatch(word -> word != 0)) {
            assertThat(System.nanoTime() - deadline).as(Arrays.toString(left)).isNegative();
            Thread.sleep(20);
            left = names();
        }
    }

    private long[] names() throws IOException {
        try (FileChannel channel =
                FileChannel.open(directory.resolve("map.cairn-shm"), StandardOpenOption.READ)) {
            ByteBuffer bytes =
                    ByteBuffer.allocate((int) SharedLayout.stripeAt(STRIPES))
                            .order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining() && channel.read(bytes, bytes.position()) > 0) {
                // Read all of it.
            }
            int perBucket = ClaimWords.COUNT + 1;
            long[] words = new long[STRIPES + SharedLayout.CLAIM_BUCKETS * perBucket + 4];
            for (int stripe = 0; stripe < STRIPES; stripe++) {
                words[stripe] =
                        bytes.getLong((int) SharedLayout.stripeAt(stripe) + StripeWords.LOCK);
            }
            for (int bucket = 0; bucket < SharedLayout.CLAIM_BUCKETS; bucket++) {
                int at = (int) SharedLayout.claimBucketAt(bucket);
                int to = STRIPES + bucket * perBucket;
                words[to] = bytes.getLong(at + ClaimWords.LOCK);
                for (int i = 0; i < ClaimWords.COUNT; i++) {
                    words[to + 1 + i] =
                            bytes.getLong(
                                    at
                                            + ClaimWords.CLAIMS
                                            + i * ClaimWords.CLAIM_BYTES
                                            + ClaimWords.OWNER);
                }
            }
            words[words.length - 4] = bytes.getLong(SharedLayout.CHECKPOINT_LOCK);
            words[words.length - 3] = bytes.getLong(SharedLayout.GROW_LOCK);
            words[words.length - 2] = bytes.getLong(SharedLayout.ALLOCATION_LOCK);
            words[words.length - 1] = bytes.getLong(SharedLayout.EVACUATION_LOCK);
            return words;
        }
    }
}
