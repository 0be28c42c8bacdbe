package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.codec.Codecs;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that an interrupt in the middle of a call does no harm. A call that waits for
 * others must end with an {@link InterruptedException}, and opening may do so. Every other call
 * must do its work and leave the thread interrupted. Afterwards the store must work.
 */
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class InterruptsTest {
    private static final int KEYS = 20;
    private static final int FEWEST_INTERRUPTS = 30;
    private static final long LONGEST_PAUSE_NANOS = 300_000;
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final Options OPTIONS =
            Options.defaults().withStripes(2).withManualCheckpoints();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final Random random = Seed.random(InterruptsTest.class);
    private final SmallScale scale = new SmallScale();

    @AfterEach
    void usual() {
        scale.close();
        Steps.listen(null);
        boolean _ = Thread.interrupted();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /** What is called. Each call judges its own result. */
    enum Call {
        PUT {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                byte[] value = Content.value(turn, 1, turn % 3 * 5_000 + 16);
                assertThat(map.set(key(turn), value)).isPositive();
                assertThat(map.get(key(turn))).isEqualTo(value);
            }
        },
        PUT_ALL {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                map.putAll(Map.of("a", new byte[turn % 99], "b", new byte[turn % 77]));
                assertThat(map.getAll(List.of("a", "b"))).hasSize(2);
            }
        },
        REMOVE {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                byte[] value = Content.value(turn, 2, 100);
                map.set("removed", value);
                assertThat(map.remove("removed")).isEqualTo(value);
                assertThat(map.containsKey("removed")).isFalse();
            }
        },
        COMPUTE {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                map.compute("computed", (_, _) -> new byte[] {(byte) turn});
                assertThat(map.get("computed")).containsExactly((byte) turn);
            }
        },
        LOAD {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                map.remove("loaded");
                assertThat(map.get("loaded", _ -> new byte[] {(byte) turn}))
                        .containsExactly((byte) turn);
            }
        },
        READ {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                byte[] key = Content.key(7);
                CairnStore store = map.store();
                store.put(key, new byte[] {7});
                Byte read = store.read(key, view -> view.get(ValueLayout.JAVA_BYTE, 0));
                assertThat(read).isEqualTo((byte) 7);
                assertThat(store.getVersioned(key).version()).isEqualTo(store.version(key));
                store.remove(key);
            }
        },
        WALK {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                List<String> walked = new ArrayList<>();
                map.forEach((key, _) -> walked.add(key));
                assertThat(walked).doesNotHaveDuplicates().hasSameSizeAs(map.keySet());
            }
        },
        CHECKPOINT {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                map.set(key(turn), new byte[16]);
                long before = map.store().stats().durableEpoch();
                assertThat(map.checkpoint()).isGreaterThan(before);
            }
        },
        COMPACT {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                map.set("large", new byte[50_000]);
                map.remove("large");
                assertThat(map.store().compact()).isNotNegative();
            }
        },
        VERIFY {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                assertThat(map.store().verify().damages()).isEmpty();
            }
        },
        STATS {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                assertThat(map.store().stats().entries()).isEqualTo(map.mappingCount());
            }
        },
        BACKUP {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn)
                    throws IOException {
                Path copy = test.directory.resolve("copy");
                map.checkpoint();
                assertThat(map.store().backup(copy)).isPositive();
                Files.delete(copy);
            }
        },
        SALVAGE {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn)
                    throws IOException {
                Path copy = test.directory.resolve("copy");
                Path saved = test.directory.resolve("saved");
                map.store().backup(copy);
                assertThat(Cairn.salvage(copy, saved).complete()).isTrue();
                Files.delete(copy);
                Files.delete(saved);
                Files.deleteIfExists(test.directory.resolve("copy-lock"));
                Files.deleteIfExists(test.directory.resolve("saved-lock"));
                Files.deleteIfExists(test.directory.resolve("saved-shm"));
            }
        },
        AWAIT {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn)
                    throws InterruptedException {
                long seen = map.set("awaited", new byte[1]);
                assertThat(map.awaitChange("awaited", seen, Duration.ofMillis(1))).isEqualTo(seen);
            }
        },
        FEED {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn)
                    throws InterruptedException {
                try (ChangeFeed<String> feed = map.watch()) {
                    map.set("fed", new byte[turn % 50]);
                    assertThat(feed.poll(Duration.ofSeconds(30))).isNotNull();
                }
            }
        },
        OPEN_AND_CLOSE {
            @Override
            void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn) {
                try (CairnStore other = Cairn.open(test.directory.resolve("other"), OPTIONS)) {
                    byte[] value = Content.value(turn, 3, 200);
                    other.put(Content.key(1), value);
                    assertThat(other.get(Content.key(1))).isEqualTo(value);
                } catch (UncheckedIOException told) {
                    assertThat(told.getMessage()).contains(test.directory.toString());
                }
            }
        };

        abstract void of(InterruptsTest test, CairnMap<String, byte[]> map, int turn)
                throws InterruptedException, IOException;

        static String key(int turn) {
            return "key" + turn % KEYS;
        }

        /** Whether the call may take the interrupt. Others must leave the thread interrupted. */
        boolean mayTakeTheInterrupt() {
            return this == AWAIT || this == FEED || this == OPEN_AND_CLOSE;
        }
    }

    private CairnMap<String, byte[]> open() {
        return Cairn.map(Codecs.utf8(), Codecs.bytes()).options(OPTIONS).open(file());
    }

    private void worksOn(CairnMap<String, byte[]> map) throws Exception {
        boolean _ = Thread.interrupted();
        for (Call call : Call.values()) {
            call.of(this, map, 11);
        }
        map.close();
        try (CairnMap<String, byte[]> again = open()) {
            assertThat(again.store().recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThat(again.store().verify().damages()).isEmpty();
        }
        try (CairnStore other = Cairn.open(directory.resolve("other"), OPTIONS)) {
            assertThat(other.verify().damages()).isEmpty();
        }
    }

    /** Another thread interrupts at any moment. */
    @ParameterizedTest
    @EnumSource
    void anInterruptAtAnyMomentDoesNoHarm(Call call) throws Exception {
        CairnMap<String, byte[]> map = open();
        Thread self = Thread.currentThread();
        int interrupts = 0;
        long start = System.nanoTime();
        for (int turn = 0; interrupts < FEWEST_INTERRUPTS; turn++) {
            assertThat(System.nanoTime() - start)
                    .as("time it took to interrupt enough calls")
                    .isLessThan(MOST_NANOS);
            long pause = random.nextLong(LONGEST_PAUSE_NANOS);
            Thread other =
                    Thread.ofPlatform()
                            .start(() -> {
                                LockSupport.parkNanos(pause);
                                self.interrupt();
                            });
            boolean taken = false;
            boolean met = false;
            while (!met) { // often enough to interrupt a call
                try {
                    call.of(this, map, turn);
                } catch (InterruptedException _) {
                    taken = true;
                }
                met = taken || self.isInterrupted() || !other.isAlive();
            }
            join(other);
            boolean left = Thread.interrupted();
            assertThat(left || taken || call.mayTakeTheInterrupt())
                    .as("whether the thread is still interrupted")
                    .isTrue();
            assertThat(taken && !call.mayTakeTheInterrupt()).isFalse();
            interrupts++;
        }
        worksOn(map);
    }

    private static void join(Thread thread) {
        while (thread.isAlive()) {
            LockSupport.parkNanos(10_000);
        }
    }

    /** The thread interrupts itself at each step of a protocol. */
    @Test
    void anInterruptAtEachStepDoesNoHarm() throws Exception {
        CairnMap<String, byte[]> map = open();
        Thread self = Thread.currentThread();
        int[] interrupts = {0};
        for (int turn = 0; turn < 10; turn++) {
            for (Call call : Call.values()) {
                int before = interrupts[0];
                boolean taken = false;
                Steps.listen(_ -> {
                    if (Thread.currentThread() == self) {
                        interrupts[0]++;
                        self.interrupt();
                    }
                });
                try {
                    call.of(this, map, turn);
                } catch (InterruptedException _) {
                    taken = true;
                } finally {
                    Steps.listen(null);
                }
                boolean left = Thread.interrupted();
                assertThat(left || taken || call.mayTakeTheInterrupt() || interrupts[0] == before)
                        .as("whether the thread is still interrupted after %s", call)
                        .isTrue();
            }
        }
        assertThat(interrupts[0]).isPositive();
        worksOn(map);
    }
}
