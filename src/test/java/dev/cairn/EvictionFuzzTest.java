package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Attacks the promise that a cache holds what was put last, or nothing. Small stores that evict get
 * random operations, and an error at random steps of the protocols, also during the repair after an
 * error.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EvictionFuzzTest {
    private static final Random SEEDS = Seed.random(EvictionFuzzTest.class);
    private static final int KEYS = 3000;
    private static final int OPERATIONS = 20000;

    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;

        Killed(String step) {
            super(step, null, false, false);
        }
    }

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();
    private final Map<Integer, byte[]> newest = new HashMap<>();
    private final Map<Integer, List<byte[]>> perhaps = new HashMap<>();
    private final Map<String, Integer> killedAt = new TreeMap<>();

    @AfterEach
    void usual() {
        Steps.listen(null);
        scale.close();
    }

    @RepeatedTest(8)
    void whatIsThereIsWhatWasPutLast() {
        long seed = SEEDS.nextLong();
        Random random = new Random(seed);
        int stripes = 1 << random.nextInt(3);
        // Use more than 16 regions, so that an eighth of the bound exceeds the three regions that
        // `most` leaves.
        int regions = 16 * stripes + 1 + random.nextInt(60);
        boolean largeKeys = random.nextInt(4) == 0;
        boolean large = random.nextInt(2) == 0;
        double odds = random.nextInt(3) == 0 ? 0 : Math.pow(10, -1 - 2 * random.nextDouble());
        Durability durability = random.nextInt(3) == 0 ? Durability.CHECKPOINT : Durability.NONE;
        Options options =
                Options.defaults()
                        .withStripes(stripes)
                        .withMaxBytes((regions + 8L) * SmallScale.REGION_BYTES)
                        .withEviction(true)
                        .withDurability(durability)
                        .withLockTimeout(Duration.ofSeconds(3))
                        .withCheckpointEvery(Duration.ofMillis(200));
        if (random.nextInt(4) == 0) {
            options = options.withManualCheckpoints();
        }
        String how =
                "seed %d: %d stripes, %d regions, large %s, large keys %s, odds %.3f, %s"
                        .formatted(seed, stripes, regions, large, largeKeys, odds, options);
        Path file = directory.resolve("cache.cairn");
        long most = options.maxBytes() / 8 - 3 * SmallScale.REGION_BYTES;
        CairnStore store = Cairn.open(file, options);
        try {
            Thread self = Thread.currentThread();
            for (int i = 0; i < OPERATIONS; i++) {
                int key = (int) (KEYS * Math.pow(random.nextDouble(), 2));
                int bytes = 16 + random.nextInt(random.nextInt(10) == 0 ? 2000 : 120);
                if (large && random.nextInt(20) == 0) {
                    bytes = 16 + random.nextInt((int) most);
                }
                boolean armed = odds > 0 && random.nextInt(3) == 0;
                if (armed) {
                    Steps.listen(step -> {
                        if (Thread.currentThread() == self
                                && random.nextDouble() < odds * weight(step)) {
                            killedAt.merge(step, 1, Integer::sum);
                            throw new Killed(step);
                        }
                    });
                }
                byte[] value = null;
                boolean wrote = true;
                try {
                    switch (random.nextInt(10)) {
                        case 0, 1, 2, 3 -> {
                            value = Content.value(key, i, bytes);
                            store.put(key(key, largeKeys), value);
                        }
                        case 4 -> {
                            byte[] old = newest.get(key);
                            value = Content.value(key, i, old == null ? bytes : old.length);
                            if (random.nextInt(3) == 0) {
                                store.put(
                                        key(key, largeKeys),
                                        value,
                                        Duration.ofMillis(1 + random.nextInt(30)));
                            } else {
                                store.put(key(key, largeKeys), value);
                            }
                        }
                        case 5 -> {
                            long _ = store.remove(key(key, largeKeys));
                        }
                        default -> {
                            wrote = false;
                            Steps.listen(null);
                            judge(store, key, largeKeys, how + " operation " + i);
                        }
                    }
                    if (wrote) {
                        newest.put(key, value);
                        perhaps.remove(key);
                    }
                } catch (Killed e) {
                    if (value != null) {
                        perhaps.computeIfAbsent(key, _ -> new ArrayList<>()).add(value);
                    }
                } finally {
                    Steps.listen(null);
                }
                if (i % 1000 == 999 || armed && random.nextInt(100) == 0) {
                    unharmed(store, how + " operation " + i);
                }
                if (i % 5000 == 4999) {
                    whole(store, largeKeys, how);
                    store.close();
                    store = Cairn.open(file, options);
                    assertThat(store.recovery().kind()).as(how).isEqualTo(Recovery.Kind.CLEAN);
                    whole(store, largeKeys, how);
                }
            }
        } finally {
            Steps.listen(null);
            store.close();
        }
    }

    private static void unharmed(CairnStore store, String how) {
        assertThat(store.verify().damages()).as(how).isEmpty();
    }

    private static int weight(String step) {
        return step.startsWith("E") || step.equals("W6 drop") ? 10 : 1;
    }

    private static byte[] key(int key, boolean large) {
        return Content.key(key, large && key % 50 == 3 ? 1000 : 40);
    }

    private void whole(CairnStore store, boolean largeKeys, String how) {
        int found = 0;
        for (int key = 0; key < KEYS; key++) {
            found += judge(store, key, largeKeys, how) ? 1 : 0;
        }
        unharmed(store, how);
        assertThat(store.size()).as(how).isGreaterThanOrEqualTo(found);
    }

    private boolean judge(CairnStore store, int key, boolean largeKeys, String how) {
        byte[] found = store.get(key(key, largeKeys));
        if (found != null) {
            List<byte[]> may = new ArrayList<>();
            if (newest.get(key) != null) {
                may.add(newest.get(key));
            }
            may.addAll(perhaps.getOrDefault(key, List.of()));
            assertThat(may).as(how + " key " + key).anyMatch(each -> Arrays.equals(each, found));
        }
        return found != null;
    }
}
