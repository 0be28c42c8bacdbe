package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Seed;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Writers, cleaning and checkpoints, interleaved step by step as a seed says; power fails at each
 * step. Writer i puts A_i, then B_i, with the same number and the numbers of the others that it saw.
 *
 * <p>What is recovered must be the cut of the last checkpoint or of the one in flight, exactly: the
 * cut is read from the store while its checkpointer holds all stripes. And what nobody needs to look
 * inside for: no B without its A, no A two ahead of its B, no number whose cause is missing, and
 * nothing missing that a checkpoint covered.
 */
@Timeout(value = 200, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class InterleavingTest {
    private static final int WRITERS = 3;
    private static final int NUMBERS = 24;
    private static final int CHECKPOINTS = 7;
    private static final int STEPS_PER_IMAGE = 8;
    private static final int TURNS_BETWEEN = 16;

    private final Tally tally = new Tally();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @BeforeEach
    void machine() {
        Machine.install();
    }

    @AfterEach
    void system() {
        Machine.uninstall();
        scale.close();
    }

    /** One run of the crowd. */
    private static final class Run {
        final AtomicIntegerArray finished = new AtomicIntegerArray(WRITERS);
        final Map<Point, int[]> floors = new HashMap<>();
        final Machine machine;
        final Turns turns;
        final CairnStore store;
        final Random random;
        final boolean large;

        /** What each writer had finished before the checkpoint under way was asked for. */
        volatile int[] current = new int[WRITERS];

        Run(CairnStore store, Machine machine, Random random) {
            this.store = store;
            this.machine = machine;
            this.random = random;
            this.turns = new Turns(WRITERS + 1, new Random(random.nextLong()));
            this.large = random.nextBoolean();
        }

        void write(int writer) {
            Random lengths = new Random(random.nextLong() ^ writer);
            for (int number = 1; number <= NUMBERS; number++) {
                for (String name : List.of("A", "B")) {
                    ByteBuffer value =
                            ByteBuffer.allocate(
                                    Integer.BYTES * (WRITERS + 1)
                                            + (large && lengths.nextInt(6) == 0
                                                    ? 5_000
                                                    : lengths.nextInt(500)));
                    value.putInt(number);
                    for (int other = 0; other < WRITERS; other++) {
                        value.putInt(other == writer ? number - 1 : number(store, "A" + other));
                    }
                    machine.told(store.put((name + writer).getBytes(UTF_8), value.array()));
                    for (int turn = 0; turn < TURNS_BETWEEN; turn++) {
                        turns.pass(); // with no lock held, so that cuts come about
                    }
                }
                finished.set(writer, number);
            }
        }

        void checkpoints() {
            for (int i = 0; i < CHECKPOINTS; i++) {
                int[] before = new int[WRITERS];
                for (int writer = 0; writer < WRITERS; writer++) {
                    before[writer] = finished.get(writer);
                }
                current = before;
                long _ = store.checkpoint();
                for (Point point : machine.points()) {
                    int[] floor = floors.get(point);
                    if (floor == null) {
                        throw new AssertionError("a checkpoint returned without a cut");
                    }
                }
                for (int step = 0; step < 25; step++) {
                    turns.pass();
                }
            }
        }

        /** At P3 all stripes are held, by this very thread. */
        void cut() {
            Point point = new Point(Judge.read(store), 0, Point.UNKNOWN);
            synchronized (floors) {
                floors.put(point, current);
            }
            machine.attempt(point);
        }

        void play() throws InterruptedException, ExecutionException {
            machine.beforeEachStep(_ -> turns.claim());
            machine.afterEachStep(step -> {
                if (step.equals("P3")) {
                    cut();
                }
                turns.pass();
            });
            try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS + 1)) {
                List<Future<?>> all = new ArrayList<>();
                for (int i = 0; i < WRITERS; i++) {
                    int writer = i;
                    all.add(threads.submit(() -> member(() -> write(writer))));
                }
                all.add(threads.submit(() -> member(this::checkpoints)));
                for (Future<?> each : all) {
                    each.get();
                }
            } finally {
                machine.beforeEachStep(_ -> {});
                machine.afterEachStep(_ -> {});
            }
        }

        private void member(Runnable work) {
            turns.enter();
            try {
                work.run();
            } finally {
                turns.leave();
            }
        }
    }

    private static int number(CairnStore store, String key) {
        byte[] value = store.get(key.getBytes(UTF_8));
        return value == null ? 0 : ByteBuffer.wrap(value).getInt();
    }

    @Test
    void everyCutIsOnePrefixOfTheHistory() throws Exception {
        Random seeds = Seed.random(InterleavingTest.class);
        for (int round = 0; round < 5; round++) {
            play(seeds.nextLong(), round);
        }
        System.out.println(tally.report("InterleavingTest"));
        assertThat(tally.images()).isGreaterThan(500);
    }

    private void play(long seed, int round) throws Exception {
        Random random = new Random(seed);
        Options options =
                Options.defaults().withManualCheckpoints().withStripes(1 << random.nextInt(3));
        Path real = directory.toRealPath();
        Path data = real.resolve("store" + round + ".cairn");
        Machine machine = new Machine(data, random);
        machine.samples(1);
        machine.captureAt((step, _) ->
                step.equals("P8") || step.equals("P9") || random.nextInt(STEPS_PER_IMAGE) == 0);
        Point start = new Point(Map.of(), 0, Point.UNKNOWN);
        machine.durable(start);
        machine.turnOn();
        Run run;
        List<Crash> crashes;
        try (CairnStore store = Cairn.open(data, options)) {
            run = new Run(store, machine, random);
            run.floors.put(start, new int[WRITERS]);
            run.play();
            crashes = machine.takeCrashes();
            tally.steps(machine.steps());
            machine.turnOff();
        } finally {
            machine.close();
        }
        Judge judge =
                new Judge(
                        real.resolve("crash"),
                        options,
                        tally,
                        "mvn test -Dtest=InterleavingTest and its seed, round " + round);
        for (Crash crash : crashes) {
            Point point = judge.check(crash);
            requirePrefix(point, run.floors.get(point), crash.where());
        }
    }

    private static void requirePrefix(Point point, int[] floors, String where) {
        int[] as = new int[WRITERS];
        int[] bs = new int[WRITERS];
        for (int writer = 0; writer < WRITERS; writer++) {
            as[writer] = value(point, "A" + writer)[0];
            bs[writer] = value(point, "B" + writer)[0];
            assertThat(as[writer]).as(where).isBetween(bs[writer], bs[writer] + 1);
            assertThat(bs[writer]).as(where).isGreaterThanOrEqualTo(floors[writer]);
        }
        for (int writer = 0; writer < WRITERS; writer++) {
            for (String name : List.of("A", "B")) {
                int[] seen = value(point, name + writer);
                for (int other = 0; other < WRITERS; other++) {
                    assertThat(as[other]).as(where).isGreaterThanOrEqualTo(seen[1 + other]);
                }
            }
        }
    }

    private static int[] value(Point point, String key) {
        var found = point.content().get(ByteBuffer.wrap(key.getBytes(UTF_8)));
        int[] value = new int[WRITERS + 1];
        if (found != null) {
            ByteBuffer.wrap(found.value()).asIntBuffer().get(value);
        }
        return value;
    }
}
