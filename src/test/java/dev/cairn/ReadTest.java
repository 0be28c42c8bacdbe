package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Attacks reads without a copy, and reads into memory of the caller. */
class ReadTest {
    private static final byte[] KEY = Content.key(1);
    private static final int[] LENGTHS = {0, 1, 100, 9_000, 60_000, 300_000};

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private static byte[] bytes(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void aFunctionSeesTheValue() {
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.read(KEY, ReadTest::bytes)).isNull();
            for (int length : LENGTHS) {
                byte[] value = Content.value(1, length, length);
                store.put(KEY, value);
                assertThat(store.read(KEY, ReadTest::bytes)).isEqualTo(value);
                store.put(KEY, value, Duration.ofDays(1));
                assertThat(store.read(KEY, ReadTest::bytes)).isEqualTo(value);
            }
            byte[] longKey = new byte[70_000];
            store.put(longKey, new byte[] {7});
            assertThat(store.read(longKey, ReadTest::bytes)).containsExactly(7);
            assertThat(store.<Integer>read(KEY, _ -> null)).isNull();
            store.remove(KEY);
            assertThat(store.read(KEY, ReadTest::bytes)).isNull();
        }
        try (CairnStore snapshot = Cairn.open(file(), Options.defaults().withReadOnly(true))) {
            assertThat(snapshot.read(new byte[70_000], ReadTest::bytes)).containsExactly(7);
        }
    }

    @Test
    void theMemoryIsReadOnlyAndEndsWithTheCall() {
        try (CairnStore store = Cairn.open(file())) {
            store.put(KEY, new byte[] {1, 2});
            AtomicReference<MemorySegment> kept = new AtomicReference<>();
            int size =
                    store.read(
                            KEY,
                            value -> {
                                kept.set(value);
                                assertThat(value.isReadOnly()).isTrue();
                                assertThatThrownBy(() -> value.get(ValueLayout.JAVA_BYTE, 2))
                                        .isInstanceOf(IndexOutOfBoundsException.class);
                                return (int) value.byteSize();
                            });
            assertThat(size).isEqualTo(2);
            assertThatThrownBy(() -> kept.get().get(ValueLayout.JAVA_BYTE, 0))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void whatAFunctionThrowsIsHandedOn() {
        try (CairnStore store = Cairn.open(file())) {
            store.put(KEY, new byte[2]);
            List<Throwable> errors =
                    List.of(
                            new IllegalStateException("mine"),
                            new IllegalArgumentException("mine"),
                            new NoSuchElementException("mine"),
                            new AssertionError("mine"));
            for (Throwable error : errors) {
                assertThatThrownBy(() -> store.read(KEY, _ -> thrown(error))).isSameAs(error);
            }
            assertThatThrownBy(() -> store.read(KEY, value -> value.get(ValueLayout.JAVA_BYTE, 2)))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(store.read(KEY, MemorySegment::byteSize)).isEqualTo(2);
        }
    }

    private static Object thrown(Throwable error) {
        switch (error) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalArgumentException(error);
        }
    }

    /**
     * While the function runs, the region of its value dies and is used again. The function must
     * run again on what is there then.
     */
    @Test
    void aFunctionRunsAgainOnWhatIsThereThen() {
        Options small = Options.defaults().withStripes(1).withManualCheckpoints();
        try (CairnStore store = Cairn.open(file(), small)) {
            store.put(KEY, new byte[] {0});
            AtomicInteger runs = new AtomicInteger();
            byte last =
                    store.read(
                            KEY,
                            value -> {
                                int run = runs.incrementAndGet();
                                if (run > 2) { // a copy, so writes do not matter
                                    turnOver(store, 9);
                                    return value.get(ValueLayout.JAVA_BYTE, 0);
                                }
                                turnOver(store, run);
                                throw new IllegalStateException("not to be seen");
                            });
            assertThat(runs).hasValue(3);
            assertThat(last).isEqualTo((byte) 2);
            assertThat(store.get(KEY)).containsExactly(9);
        }
    }

    /** Writes until the whole log, the key's record included, lies elsewhere. */
    private static void turnOver(CairnStore store, int value) {
        store.put(KEY, new byte[] {(byte) value});
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < 100; i++) {
                store.put(Content.key(100 + i), new byte[4_000]);
            }
            store.compact();
        }
    }

    @Test
    void everyValueIsWholeBesideWriters() throws InterruptedException {
        AtomicBoolean done = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Options busy =
                Options.defaults()
                        .withStripes(1)
                        .withMaxBytes(8 << 20)
                        .withCheckpointEvery(Duration.ofMillis(2));
        try (CairnStore store = Cairn.open(file(), busy)) {
            List<Thread> reading = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                reading.add(
                        Thread.ofPlatform()
                                .start(() -> {
                                    MemorySegment target = MemorySegment.ofArray(new byte[4_000]);
                                    for (long key = 0; !done.get(); key = (key + 1) % 50) {
                                        try {
                                            readBothWays(store, key, target);
                                        } catch (Throwable e) {
                                            failure.compareAndSet(null, e);
                                        }
                                    }
                                }));
            }
            for (int sequence = 0; sequence < 60_000 && failure.get() == null; sequence++) {
                int key = sequence * 7 % 50;
                store.put(Content.key(key), Content.value(key, sequence, 100 + sequence % 3_000));
            }
            done.set(true);
            for (Thread thread : reading) {
                thread.join();
            }
        }
        assertThat(failure.get()).isNull();
    }

    private static void readBothWays(CairnStore store, long key, MemorySegment target) {
        byte[] value = store.read(Content.key(key), ReadTest::bytes);
        if (value != null) {
            long _ = Content.sequence(key, value);
        }
        long length = store.get(Content.key(key), target);
        if (length >= 0) {
            long _ = Content.sequence(key, bytes(target.asSlice(0, length)));
        }
    }

    @Test
    void valuesAreCopiedToTheCallersMemory() {
        try (CairnStore store = Cairn.open(file());
                Arena arena = Arena.ofConfined()) {
            for (int length : LENGTHS) {
                byte[] value = Content.value(1, length, length);
                store.put(KEY, value);
                for (MemorySegment target :
                        List.of(
                                MemorySegment.ofArray(new byte[length + 1]),
                                arena.allocate(length + 1))) {
                    target.fill((byte) 77);
                    assertThat(store.get(KEY, target)).isEqualTo(length);
                    assertThat(bytes(target.asSlice(0, length))).isEqualTo(value);
                    assertThat(target.get(ValueLayout.JAVA_BYTE, length)).isEqualTo((byte) 77);
                }
                if (length > 0) {
                    byte[] tooShort = new byte[length - 1];
                    assertThat(store.get(KEY, MemorySegment.ofArray(tooShort))).isEqualTo(length);
                    assertThat(tooShort).isEqualTo(new byte[length - 1]);
                }
            }
            assertThat(store.get(Content.key(2), arena.allocate(1))).isEqualTo(-1);
            assertThatThrownBy(() -> store.get(KEY, arena.allocate(1).asReadOnly()))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void damageIsToldAndNotShown() throws IOException {
        byte[] value = Content.value(1, 1, 20_000);
        try (CairnStore store = Cairn.open(file())) {
            store.put(KEY, value);
        }
        byte[] data = Files.readAllBytes(file());
        int at = indexOf(data, value);
        data[at + 10_000] ^= 1;
        Files.write(file(), data);
        try (CairnStore store = Cairn.open(file())) {
            assertThatThrownBy(() -> store.read(KEY, ReadTest::bytes))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("checksum");
            assertThatThrownBy(() -> store.get(KEY, MemorySegment.ofArray(new byte[value.length])))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("checksum");
        }
    }

    private static int indexOf(byte[] all, byte[] part) {
        for (int at = 0; at <= all.length - part.length; at++) {
            if (MemorySegment.mismatch(
                            MemorySegment.ofArray(all),
                            at,
                            at + part.length,
                            MemorySegment.ofArray(part),
                            0,
                            part.length)
                    < 0) {
                return at;
            }
        }
        throw new AssertionError("not found");
    }

    @Test
    void aPageThatIsGoneIsDamage() throws IOException {
        Path copy = directory.resolve("copy");
        try (CairnStore store = Cairn.open(copy)) {
            store.put(KEY, Content.value(1, 1, 1 << 20));
            try (FileChannel channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
                channel.truncate(channel.size() / 4);
            }
            assertThatThrownBy(() -> store.read(KEY, ReadTest::bytes))
                    .isInstanceOf(CorruptStore.class);
            assertThatThrownBy(store::close).isInstanceOf(CairnException.class);
        }
    }

    @Test
    @Timeout(60)
    void closingWaitsForAFunctionAndIsRefusedInOne() throws InterruptedException {
        CairnStore store = Cairn.open(file());
        store.put(KEY, new byte[] {5});
        assertThatThrownBy(() ->
                        store.read(
                                KEY,
                                _ -> {
                                    store.close();
                                    return 0;
                                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("must not close");
        CountDownLatch inside = new CountDownLatch(1);
        AtomicBoolean closed = new AtomicBoolean();
        AtomicReference<Object> seen = new AtomicReference<>();
        Thread reader =
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                store.read(
                                        KEY,
                                        value -> {
                                            inside.countDown();
                                            for (int i = 0; i < 300; i++) {
                                                sleepOneMillisecond();
                                                seen.set(value.get(ValueLayout.JAVA_BYTE, 0));
                                                assertThat(closed).isFalse();
                                            }
                                            return 0;
                                        });
                            } catch (StoreClosed _) {
                                // The read noticed it when it asked whether the value was still
                                // there.
                            } catch (Throwable e) {
                                seen.set(e);
                            }
                        });
        inside.await();
        store.close();
        closed.set(true);
        reader.join();
        assertThat(seen).hasValue((byte) 5);
        assertThatThrownBy(() -> store.read(KEY, _ -> 0)).isInstanceOf(StoreClosed.class);
    }

    private static void sleepOneMillisecond() {
        try {
            Thread.sleep(1);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
