package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CorruptStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Seed;
import dev.cairn.SmallScale;
import dev.cairn.format.BucketWords;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.Place;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.os.MappedFile;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/**
 * The canaries of the simulated power failures: stores and disks with one flaw each, which {@link
 * Judge} must notice.
 */
@Timeout(value = 100, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CanaryTest {
    private static final int MOST_PLAYS = 10;

    private static long seed;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    private interface Flaw {
        void put(Rig rig, Path data) throws IOException;
    }

    @BeforeAll
    static void seed() {
        seed = Seed.random(CanaryTest.class).nextLong();
    }

    @BeforeEach
    void machine() {
        Machine.install();
    }

    @AfterEach
    void system() {
        Machine.uninstall();
        scale.close();
    }

    /**
     * Plays a scenario with a flaw. Returns what the judge says of it first. Which disks a play
     * leaves depends on its seed, and it may leave none that shows the flaw. Then it is played
     * again.
     */
    private String complaint(Scenario scenario, Flaw flaw) throws IOException {
        return complaint(scenario, flaw, MOST_PLAYS);
    }

    private String complaint(Scenario scenario, Flaw flaw, int plays) throws IOException {
        String said = "";
        for (int play = 0; play < plays && said.isEmpty(); play++) {
            Path place = Files.createTempDirectory(directory.toRealPath(), "play");
            said = complaint(scenario, flaw, place, seed + play);
        }
        return said;
    }

    private static String complaint(Scenario scenario, Flaw flaw, Path real, long seed)
            throws IOException {
        Tally tally = new Tally();
        Judge judge = new Judge(real.resolve("crash"), scenario.options(), tally, "none: a canary");
        List<Crash> crashes;
        Path data = real.resolve("store.cairn");
        try (Rig rig = Rig.create(data, scenario.options(), new Random(seed))) {
            flaw.put(rig, data);
            try {
                scenario.play(rig);
                rig.closeStore();
            } catch (AssertionError | CorruptStore e) { // the flaw shows before the power fails
                System.out.printf("CanaryTest: caught in the play: %s%n", e.getMessage());
                return String.valueOf(e.getMessage());
            }
            crashes = rig.machine().takeCrashes();
        }
        for (Crash crash : crashes) {
            try {
                judge.check(crash);
            } catch (AssertionError e) {
                System.out.printf(
                        "CanaryTest: caught on disk %d of %d: %s%n",
                        tally.images(), crashes.size(), e.getMessage().lines().toList());
                return e.getMessage();
            }
        }
        return "";
    }

    @Test
    void withoutFlawThereIsNoComplaint() throws IOException {
        assertThat(complaint(Scenario.FIRST_WRITES, (_, _) -> {}, 2)).isEmpty();
    }

    @Test
    void publishingBeforeTheLogIsForcedIsCaught() throws IOException {
        String said =
                complaint(
                        Scenario.FIRST_WRITES,
                        (rig, data) -> {
                            Machine machine = rig.machine();
                            machine.fault((cache, from, _) -> machine.isData(cache) && from == 0);
                        });
        assertThat(said).isNotEmpty();
    }

    @Test
    void failedForceThatNobodyIsToldOfIsCaught() throws IOException {
        String said =
                complaint(
                        Scenario.ROLLING,
                        (rig, data) -> {
                            Machine machine = rig.machine();
                            machine.fault((cache, from, to) -> {
                                cache.fail(from, to, machine.random());
                                return true;
                            });
                        });
        assertThat(said).isNotEmpty();
    }

    @Test
    void regionThatIsUsedAgainTooEarlyIsCaught() throws IOException {
        String said =
                complaint(
                        Scenario.REUSE_BY_OTHERS,
                        (rig, data) -> {
                            MappedFile shared = map(shared(data), SharedLayout.DIRECTORY);
                            MemorySegment words = shared.first();
                            long[] durable = {0};
                            rig.machine()
                                    .beforeEachStep(step -> {
                                        if (step.equals("W2")) {
                                            durable[0] = Words.acquire(words, SharedLayout.DURABLE);
                                            long epoch = Words.acquire(words, SharedLayout.EPOCH);
                                            Words.release(words, SharedLayout.DURABLE, epoch);
                                            Words.release(words, SharedLayout.FREE_HINT, 1000);
                                            Words.release(words, SharedLayout.CLAIM_HINT, 0);
                                        } else if (step.equals("W14")) {
                                            Words.release(words, SharedLayout.DURABLE, durable[0]);
                                        }
                                    });
                        });
        assertThat(said).isNotEmpty();
    }

    /** Then what the checkpoint names is overwritten in place. */
    @Test
    void cutThatDoesNotSayWhatIsYoungIsCaught() throws IOException {
        Scenario scenario = Scenario.OVERWRITING_IN_PLACE;
        int stripes = scenario.options().stripes();
        String said =
                complaint(
                        scenario,
                        (rig, data) -> {
                            MappedFile shared = map(shared(data), SharedLayout.stripeAt(stripes));
                            rig.machine()
                                    .beforeEachStep(step -> {
                                        if (step.equals("P3")) {
                                            forgetCuts(shared.first(), stripes);
                                        }
                                    });
                        });
        assertThat(said).isNotEmpty();
    }

    private static void forgetCuts(MemorySegment shared, int stripes) {
        for (int i = 0; i < stripes; i++) {
            Words.release(shared, SharedLayout.stripeAt(i) + StripeWords.CUT_VERSION, 0);
        }
    }

    /**
     * Changes what a commit that evicts says of the stripe, after the commit and before it is
     * carried out.
     */
    private String complaintOfEviction(Consumer<Companions> flaw) throws IOException {
        return complaint(
                Scenario.EVICTION,
                (rig, data) -> {
                    long stripeAt = SharedLayout.stripeAt(0);
                    MemorySegment shared = map(shared(data), stripeAt + StripeWords.BYTES).first();
                    Companions words = new Companions(shared, stripeAt);
                    boolean[] drops = {false};
                    rig.machine()
                            .beforeEachStep(step -> {
                                if (step.equals("W6 drop") && !drops[0]) {
                                    flaw.accept(words);
                                }
                                drops[0] = step.equals("W6 drop");
                            });
                });
    }

    private record Companions(MemorySegment shared, long stripeAt) {
        void add(int field, long change) {
            set(field, get(field) + change);
        }

        void set(int field, long value) {
            Words.release(shared, stripeAt + field, value);
        }

        long get(int field) {
            return Words.acquire(shared, stripeAt + field);
        }
    }

    @Test
    void evictionThatDoesNotCountWhatGoesIsCaught() throws IOException {
        assertThat(complaintOfEviction(words -> words.add(StripeWords.NEW_LIVE_COUNT, 1)))
                .isNotEmpty();
        assertThat(complaintOfEviction(words -> words.add(StripeWords.NEW_LIVE_BYTES, 64)))
                .isNotEmpty();
    }

    /**
     * The region behind the oldest goes instead of the oldest, so what it superseded comes back.
     */
    @Test
    void evictionOfARegionThatIsNotTheOldestIsCaught() throws IOException {
        String said =
                complaintOfEviction(words -> {
                    words.set(
                            StripeWords.DEAD_REGION,
                            Place.run(words.get(StripeWords.NEW_OLDEST) - 1, 1));
                    words.set(
                            StripeWords.DEAD_REGION_NUMBER,
                            words.get(StripeWords.NEW_OLDEST_NUMBER));
                    words.set(StripeWords.NEW_OLDEST, words.get(StripeWords.OLDEST));
                    words.set(StripeWords.NEW_OLDEST_NUMBER, words.get(StripeWords.OLDEST_NUMBER));
                });
        assertThat(said).isNotEmpty();
    }

    /** With each region that leaves, a key that was put again gets its earlier value back. */
    @Test
    void evictionThatBringsAnOlderEntryBackIsCaught() throws IOException {
        String said =
                complaint(
                        Scenario.EVICTION,
                        (rig, data) -> {
                            long bytes = Files.size(shared(data));
                            MappedFile shared = map(shared(data), bytes);
                            Companions words =
                                    new Companions(shared.first(), SharedLayout.stripeAt(0));
                            long[] former = new long[2];
                            rig.machine()
                                    .beforeEachStep(step -> {
                                        long slotAt =
                                                BucketWords.slotAt(
                                                        words.get(StripeWords.NEW_SLOT_AT));
                                        if (step.equals("W6") && slotAt != 0 && slotAt < bytes) {
                                            long slot = Words.acquire(shared.first(), slotAt);
                                            former[0] = slot == 0 ? former[0] : slotAt;
                                            former[1] = slot == 0 ? former[1] : slot;
                                        } else if (step.equals("W6 drop") && former[0] != 0) {
                                            Words.release(shared.first(), former[0], former[1]);
                                        }
                                    });
                        });
        assertThat(said).isNotEmpty();
    }

    @Test
    void storingOverTheSlotThatCountsIsCaught() throws IOException {
        int stripes = Scenario.FIRST_WRITES.options().stripes();
        int bytes = CheckpointSlot.bytes(stripes);
        String said =
                complaint(
                        Scenario.FIRST_WRITES,
                        (rig, data) -> {
                            MappedFile mapped = map(data, DataHeader.slotAt(2, stripes));
                            long[] before = new long[2];
                            rig.machine()
                                    .beforeEachStep(step -> {
                                        for (int slot = 0; slot < 2; slot++) {
                                            long at = DataHeader.slotAt(slot, stripes);
                                            long epoch =
                                                    Words.plain(
                                                            mapped.first(),
                                                            at + CheckpointSlot.EPOCH);
                                            if (step.equals("P8") && epoch == before[slot]) {
                                                mapped.first().asSlice(at, bytes).fill((byte) 0);
                                            }
                                            before[slot] = epoch;
                                        }
                                    });
                        });
        assertThat(said).isNotEmpty();
    }

    @Test
    void markingCleanWhatIsNotForcedIsCaught() throws IOException {
        String said =
                complaint(
                        Scenario.CLOSING,
                        (rig, data) -> {
                            Machine machine = rig.machine();
                            machine.captureAt((step, _) -> step.equals("closed"));
                            machine.samples(60);
                            machine.fault((cache, _, to) ->
                                    !machine.isData(cache) && to > SharedLayout.DIRECTORY);
                        });
        assertThat(said).isNotEmpty();
    }

    private static Path shared(Path data) {
        return data.resolveSibling(data.getFileName() + "-shm");
    }

    @SuppressWarnings("MustBeClosed") // mapped until the JVM ends
    private static MappedFile map(Path file, long bytes) {
        try {
            return MappedFile.map(file, bytes, true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
