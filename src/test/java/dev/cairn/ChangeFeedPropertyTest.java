package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Attacks the promise of a change feed: whoever follows it, and reads again what it says was lost,
 * ends up with what the store has. Writers, folds, cleaning, checkpoints and expiry happen at
 * random, at any step of the feed. The canary is a feed that knows of no evacuation.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChangeFeedPropertyTest {
    private static final int ROUNDS = 60;
    private static final int PLAYS = Rounds.of(40, 1_000);
    private static final int STRIPES = 2;
    private static final long HANG_SECONDS = 120;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();
    private final Random seeds = Seed.random(ChangeFeedPropertyTest.class);

    @AfterEach
    void usualScale() {
        Steps.listen(null);
        scale.close();
    }

    /** Writes at random, by itself and at the steps of the feed. */
    private static final class Chaos {
        private final CairnStore store;
        private final Random random;
        private final int keys;
        private final int lag;
        private final boolean longKeys;
        private final boolean checkpoints;
        private final Set<String> puts = ConcurrentHashMap.newKeySet();

        Chaos(CairnStore store, long seed, boolean checkpoints) {
            this.store = store;
            this.random = new Random(seed);
            this.keys = 1 + random.nextInt(random.nextBoolean() ? 6 : 80);
            this.lag = 1 << random.nextInt(10);
            this.longKeys = random.nextInt(3) == 0;
            this.checkpoints = checkpoints;
        }

        void some(int most) {
            int count = random.nextInt(most + 1);
            for (int i = 0; i < count; i++) {
                operation();
            }
        }

        private void operation() {
            int dice = random.nextInt(1000);
            int number = random.nextInt(keys);
            if (dice < 2) {
                store.compact();
            } else if (dice < 10 && checkpoints) {
                store.checkpoint();
            } else if (dice < 30) {
                byte[] key = ("fleeting " + number).getBytes(UTF_8);
                note(key, store.put(key, value(), Duration.ofMillis(1)));
            } else if (dice < 50 || longKeys && dice < 250) {
                byte[] key = (number + "x".repeat(1_500)).getBytes(UTF_8);
                note(key, store.put(key, value()));
            } else if (dice < 60 || longKeys && dice < 400) {
                long _ = store.remove((number + "x".repeat(1_500)).getBytes(UTF_8));
            } else if (dice < 250) {
                long _ = store.remove(("key " + number).getBytes(UTF_8));
            } else {
                byte[] key = ("key " + number).getBytes(UTF_8);
                note(key, store.put(key, value()));
            }
        }

        private byte[] value() {
            return new byte[random.nextInt(random.nextInt(50) == 0 ? 9_000 : 300)];
        }

        private void note(byte[] key, long version) {
            puts.add(version + " " + new String(key, UTF_8));
        }

        boolean made(Change.Put<byte[]> put) {
            return puts.contains(put.version() + " " + new String(put.key(), UTF_8));
        }
    }

    /** The outcome of a play. */
    private record Outcome(boolean equal, long lagged, long told) {}

    private Path file(long seed) {
        return directory.resolve("store" + Long.toHexString(seed) + ".cairn");
    }

    private static Options options(Random random) {
        Options options = Options.defaults().withStripes(STRIPES);
        return switch (random.nextInt(3)) {
            case 0 -> options.withDurability(Durability.NONE);
            case 1 -> options.withManualCheckpoints();
            default -> options.withCheckpointEvery(Duration.ofMillis(20));
        };
    }

    /** @param broken what else happens before a step of the feed */
    private Outcome play(long seed, java.util.function.BiConsumer<String, MappedFile> broken)
            throws InterruptedException, IOException {
        Random random = new Random(seed);
        Options options = options(random);
        Path file = file(seed);
        try (CairnStore store = Cairn.open(file, options);
                MappedFile shared =
                        MappedFile.map(
                                file.resolveSibling(file.getFileName() + "-shm"),
                                SharedLayout.stripeAt(STRIPES),
                                true)) {
            Chaos chaos = new Chaos(store, seed, options.durability() != Durability.NONE);
            chaos.some(2 * chaos.lag);
            try (Replica replica = new Replica(store, store.watch())) {
                replica.judgeBy(chaos::made);
                Thread reader = Thread.currentThread();
                int most = random.nextInt(8);
                boolean[] within = new boolean[1];
                Steps.listen(step -> {
                    if (Thread.currentThread() != reader || within[0]) {
                        return;
                    }
                    if (step.startsWith("F") && random.nextInt(3) == 0) {
                        within[0] = true;
                        chaos.some(random.nextInt(20) == 0 ? 20 * most : most);
                        within[0] = false;
                    }
                    broken.accept(step, shared);
                });
                for (int round = 0; round < ROUNDS; round++) {
                    within[0] = true;
                    chaos.some(random.nextInt(12) == 0 ? 20 * chaos.lag : chaos.lag);
                    within[0] = false;
                    for (int polls = random.nextInt(2 * chaos.lag + 2);
                            polls > 0 && replica.next(Duration.ZERO); ) {
                        polls--;
                    }
                }
                Steps.listen(step -> broken.accept(step, shared));
                replica.catchUp();
                Steps.listen(null);
                return new Outcome(replica.isEqual(), replica.lagged(), replica.told());
            }
        } finally {
            Steps.listen(null);
        }
    }

    @Test
    void whoFollowsEndsUpWithWhatTheStoreHas() throws InterruptedException, IOException {
        long lagged = 0;
        long told = 0;
        int plays = 0;
        for (; plays < PLAYS || lagged == 0; plays++) {
            long seed = seeds.nextLong();
            Outcome outcome = play(seed, (_, _) -> {});
            assertThat(outcome.equal).as("play %d of seed %d", plays, seed).isTrue();
            lagged += outcome.lagged;
            told += outcome.told;
        }
        System.out.printf("ChangeFeed: %d plays, %d told, %d lagged%n", plays, told, lagged);
    }

    /** The canary: the feed takes every region that is gone for a folded one. */
    @Test
    void aFeedThatKnowsOfNoEvacuationLosesChanges() throws InterruptedException, IOException {
        int wrong = 0;
        for (int plays = 0; plays < 200 && wrong == 0; plays++) {
            Outcome outcome =
                    play(
                            seeds.nextLong(),
                            (step, shared) -> {
                                if (step.equals("F6")) {
                                    for (int stripe = 0; stripe < STRIPES; stripe++) {
                                        Words.release(
                                                shared.first(),
                                                SharedLayout.stripeAt(stripe)
                                                        + StripeWords.EVACUATED,
                                                0);
                                    }
                                }
                            });
            wrong += outcome.equal ? 0 : 1;
        }
        assertThat(wrong).isPositive();
    }

    /** The writers run in threads of their own, and the consumer is fast or slow. */
    @Test
    void whoFollowsWritersOfOtherThreadsEndsUpWithWhatTheStoreHas() throws Exception {
        long lagged = 0;
        for (int play = 0; play < Rounds.of(2, 60); play++) {
            Random random = new Random(seeds.nextLong());
            Options options = options(random);
            try (CairnStore store = Cairn.open(file(random.nextLong()), options);
                    Replica replica = new Replica(store, store.watch());
                    ExecutorService threads = Executors.newCachedThreadPool()) {
                AtomicBoolean stop = new AtomicBoolean();
                List<Future<?>> writers = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    long seed = random.nextLong();
                    boolean checkpoints = options.durability() != Durability.NONE;
                    writers.add(
                            threads.submit(() -> {
                                Chaos chaos = new Chaos(store, seed, checkpoints);
                                while (!stop.get()) {
                                    chaos.some(10);
                                }
                            }));
                }
                long start = System.nanoTime();
                boolean slow = play % 2 == 1;
                while (System.nanoTime() - start < 1e9) {
                    boolean _ = replica.next(Duration.ofMillis(5));
                    if (slow && random.nextInt(100) == 0) {
                        Thread.sleep(20);
                    }
                }
                stop.set(true);
                for (Future<?> writer : writers) {
                    writer.get(HANG_SECONDS, TimeUnit.SECONDS);
                }
                replica.catchUp();
                replica.requireEqual();
                lagged += replica.lagged();
            }
        }
        System.out.printf("ChangeFeed: %d lagged behind threads%n", lagged);
    }

    @Test
    void twoFeedsDoNotDisturbEachOther() throws InterruptedException {
        try (CairnStore store = Cairn.open(file(0), Options.defaults().withStripes(STRIPES));
                Replica one = new Replica(store, store.watch());
                Replica two = new Replica(store, store.watch())) {
            Chaos chaos = new Chaos(store, seeds.nextLong(), true);
            Set<Long> told = new HashSet<>();
            for (int round = 0; round < 200; round++) {
                chaos.some(5);
                one.catchUp();
                if (round % 50 == 0) {
                    two.catchUp();
                }
                told.add(one.told());
            }
            two.catchUp();
            one.requireEqual();
            two.requireEqual();
            assertThat(told).hasSizeGreaterThan(1);
        }
    }
}
