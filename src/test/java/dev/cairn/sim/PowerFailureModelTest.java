package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.SmallScale;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;
import net.jqwik.api.state.Action;
import net.jqwik.api.state.ActionChain;
import net.jqwik.api.state.Transformer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Attacks the promise that a store is at its last checkpoint wherever power fails. Random sequences
 * of everything that can be done to a store are played, and power fails at random steps.
 */
class PowerFailureModelTest {
    private static final int KEYS = 20;
    private static final int STEPS_PER_IMAGE = 20;

    /** Smaller than the entries of a long sequence, and eight times the largest. */
    private static final long CACHE_BYTES = 170 << 10;

    private static final String REPLAY = "the same with the seed that jqwik prints";

    private static final AtomicReference<Supplier<Rig>> START = new AtomicReference<>();

    private Tally tally = new Tally();

    /** An action that any other may precede. */
    private record Step(Arbitrary<Transformer<Rig>> transformer)
            implements Action.Independent<Rig> {}

    private static <T> Step step(String name, Arbitrary<T> input, BiConsumer<Rig, T> does) {
        return new Step(
                input.map(given ->
                        Transformer.mutate(name + " " + given, rig -> does.accept(rig, given))));
    }

    @BeforeProperty
    void machine() {
        Machine.install();
        tally = new Tally();
    }

    @AfterProperty
    void system() {
        Machine.uninstall();
        System.out.println(tally.report("PowerFailureModelTest"));
    }

    /**
     * Plays each action once, in a fixed order. Each must do what the random ones are meant to do
     * now and then.
     */
    @Example
    void actionsReachTheStepsThatMatter() throws IOException {
        played(directory -> {
            try (Rig rig =
                    Rig.create(directory.resolve("store.cairn"), options(1), new Random(1))) {
                rig.machine().captureAt((step, _) -> step.equals("P9"));
                putMany(rig, 19, 900);
                rig.put(key(17), 200);
                rig.put(key(19), 9_000);
                rig.checkpoint();
                overwrite(rig, 700);
                rig.put(key(19), 5_000);
                removeMany(rig, 19);
                rig.remove(key(17));
                rig.putFleeting(key(3), 300);
                rig.compact();
                rig.failCheckpoint(0, 1);
                overwrite(rig, 400);
                overwriteInPlace(rig, 300);
                rig.closeStore();
                rig.openStore();
                rig.checkpoint();
                rig.requireEqual();
                judge(directory, options(1)).check(rig.machine().takeCrashes());
                tally.play(rig.machine());
            }
        });
        assertThat(tally.steps())
                .contains("W6 copy", "W11 region", "G3", "P8", "D2", "N3 run", "X8");
    }

    private static Options options(int stripes) {
        return Options.defaults().withManualCheckpoints().withStripes(stripes);
    }

    private Judge judge(Path directory, Options options) {
        return new Judge(directory.resolve("crash"), options, tally, REPLAY);
    }

    /** No value is as long as the one before, so each is appended. */
    private static void overwrite(Rig rig, int bytes) {
        for (int i = 0; i < 12; i++) {
            rig.put(key(1 + i % 2), bytes + i % 4 / 2 * 16);
        }
    }

    private static void overwriteInPlace(Rig rig, int bytes) {
        for (int i = 0; i < 12; i++) {
            rig.put(key(1 + i % 2), bytes);
        }
    }

    private static void putMany(Rig rig, int count, int bytes) {
        for (int i = 0; i < count; i++) {
            rig.put(Content.key(100 + i, 9), bytes);
        }
    }

    private static void removeMany(Rig rig, int count) {
        for (int i = 0; i < count; i++) {
            rig.remove(Content.key(100 + i, 9));
        }
    }

    private interface Play {
        void in(Path directory) throws IOException;
    }

    private static void played(Play play) throws IOException {
        Path memory = Path.of("/dev/shm");
        Path directory =
                (Files.isWritable(memory)
                                ? Files.createTempDirectory(memory, "cairn-sim")
                                : Files.createTempDirectory("cairn-sim"))
                        .toRealPath();
        try (SmallScale _ = SmallScale.inPlace()) {
            play.in(directory);
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }

    @Property(tries = 15, shrinking = ShrinkingMode.BOUNDED)
    void storeIsAtItsLastCheckpointWhereverPowerFails(
            @ForAll("chains") ActionChain<Rig> chain,
            @ForAll("stripes") int stripes,
            @ForAll long seed)
            throws IOException {
        played(directory -> run(chain, directory, options(stripes), seed));
    }

    /** What was evicted since then must be back, with the value that it had at the checkpoint. */
    @Property(tries = 6, shrinking = ShrinkingMode.BOUNDED)
    void cacheIsAtItsLastCheckpointWhereverPowerFails(
            @ForAll("chains") ActionChain<Rig> chain, @ForAll long seed) throws IOException {
        played(directory ->
                run(chain, directory, Scenario.evicting(options(1), CACHE_BYTES), seed));
    }

    private void run(ActionChain<Rig> chain, Path directory, Options options, long seed)
            throws IOException {
        Random random = new Random(seed);
        Rig[] made = new Rig[1];
        START.set(() -> {
            made[0] = Rig.create(directory.resolve("store.cairn"), options, random);
            Machine machine = made[0].machine();
            machine.samples(1);
            machine.captureAt((step, _) ->
                    step.equals("P8") || step.equals("P9") || random.nextInt(STEPS_PER_IMAGE) == 0);
            return made[0];
        });
        List<Crash> crashes;
        try {
            Rig end = chain.run();
            end.requireEqual();
            end.machine().capture("end");
            crashes = end.machine().takeCrashes();
            tally.play(end.machine());
        } finally {
            if (made[0] != null) {
                made[0].close();
            }
        }
        judge(directory, options).check(crashes);
    }

    @Provide
    Arbitrary<Integer> stripes() {
        return Arbitraries.of(1, 1, 2, 4);
    }

    /** Mostly short keys, some that do not fit into the record, and one of several regions. */
    private static byte[] key(int number) {
        return Content.key(number, number == 0 ? 0 : number < 16 ? 8 : number < 19 ? 1_500 : 6_000);
    }

    private static Arbitrary<Integer> sizes() {
        return Arbitraries.frequencyOf(
                Tuple.of(8, Arbitraries.integers().between(0, 200)),
                Tuple.of(8, Arbitraries.integers().between(200, 1_500)),
                Tuple.of(2, Arbitraries.integers().between(3_950, 4_100)),
                Tuple.of(2, Arbitraries.integers().between(4_100, 14_000)));
    }

    @Provide
    Arbitrary<ActionChain<Rig>> chains() {
        Arbitrary<Integer> numbers = Arbitraries.integers().between(0, KEYS - 1);
        Arbitrary<Tuple.Tuple2<Integer, Integer>> sized =
                Combinators.combine(numbers, sizes()).as(Tuple::of);
        Arbitrary<String> none = Arbitraries.just("");
        return ActionChain.startWith(() -> START.get().get())
                .withAction(12, step("put", sized, (rig, in) -> rig.put(key(in.get1()), in.get2())))
                .withAction(4, step("remove", numbers, (rig, in) -> rig.remove(key(in))))
                .withAction(
                        3, step("overwrite", sized, (rig, in) -> overwrite(rig, in.get2() % 900)))
                .withAction(
                        2,
                        step(
                                "overwrite in place",
                                sized,
                                (rig, in) -> overwriteInPlace(rig, in.get2() % 900)))
                .withAction(
                        2,
                        step(
                                "put many",
                                sized,
                                (rig, in) -> putMany(rig, in.get1(), in.get2() % 1_000)))
                .withAction(2, step("remove many", numbers, (rig, in) -> removeMany(rig, in)))
                .withAction(
                        1,
                        step(
                                "put what expires",
                                sized,
                                (rig, in) -> rig.putFleeting(key(in.get1()), in.get2())))
                .withAction(8, step("checkpoint", none, (rig, _) -> rig.checkpoint()))
                .withAction(1, step("compact", none, (rig, _) -> rig.compact()))
                .withAction(
                        1,
                        step(
                                "reopen",
                                none,
                                (rig, _) -> {
                                    rig.closeStore();
                                    rig.openStore();
                                }))
                .withAction(
                        2,
                        step(
                                "fail",
                                Arbitraries.integers().between(0, 1),
                                (rig, in) -> rig.failCheckpoint(in, 1)))
                .withMaxTransformations(45);
    }
}
