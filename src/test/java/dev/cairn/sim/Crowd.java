package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Options;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Writers and one thread that makes checkpoints and cleans. A seed alone decides how they are
 * interleaved, step by step, so one seed is one play. Writer i puts A_i, removes or puts C_i, and
 * puts B_i. All of these have the same number, and the numbers of the others' A that the writer
 * saw.
 *
 * <p>The recovered store must hold exactly the cut of the last checkpoint, or of the one in flight.
 * The cut is read from the store while its checkpointer holds all stripes. Some rules hold without
 * knowing the cut: no B is there without its A, no A is two ahead of its B, the cause of each
 * number is there, and so is everything that a checkpoint covered.
 */
final class Crowd {
    private static final int WRITERS = 3;
    private static final int NUMBERS = 20;
    private static final int CHECKPOINTS = 7;
    private static final int TURNS_BETWEEN = 16;
    private static final int LARGE_BYTES = 5_000;
    private final CairnStore store;
    private final Machine machine;
    private final Turns turns;
    private final long seed;
    private final boolean large;
    private final boolean forcesFail;
    private final AtomicIntegerArray finished = new AtomicIntegerArray(WRITERS);

    /** For each cut, what its checkpoint must cover. */
    private final Map<Point, int[]> floors = new ConcurrentHashMap<>();

    /** What each writer had finished before the checkpoint that is under way was requested. */
    private volatile int[] floor = new int[WRITERS];

    private Crowd(CairnStore store, Machine machine) {
        Random random = machine.random();
        this.store = store;
        this.machine = machine;
        this.seed = random.nextLong();
        this.turns = new Turns(WRITERS + 1, new Random(random.nextLong()));
        this.large = random.nextBoolean();
        this.forcesFail = random.nextInt(3) == 0;
    }

    /** Opens a new store, and lets a crowd work on it. */
    static Crowd play(Path data, Options options, Machine machine) throws IOException {
        Point start = new Point(Map.of(), 0, Point.UNKNOWN);
        machine.durable(start);
        machine.turnOn();
        try (CairnStore store = Rig.open(data, options)) {
            Crowd crowd = new Crowd(store, machine);
            crowd.floors.put(start, new int[WRITERS]);
            crowd.play();
            machine.turnOff();
            return crowd;
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        } finally {
            machine.close();
        }
    }

    private void play() throws InterruptedException, ExecutionException {
        machine.afterEachStep(step -> {
            if (step.equals("P3")) {
                cut();
            }
        });
        machine.takeTurns(turns);
        if (forcesFail) {
            Random random = new Random(seed);
            machine.fault((cache, from, to) -> {
                if (!machine.isData(cache) || random.nextInt(4) != 0) {
                    return false;
                }
                cache.fail(from, to, random);
                throw new IOException("simulated: input/output error");
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS + 1)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int writer = i;
                all.add(threads.submit(() -> member(writer, () -> write(writer))));
            }
            all.add(threads.submit(() -> member(WRITERS, this::checkpoints)));
            for (Future<?> each : all) {
                each.get();
            }
        } finally {
            machine.fault(null);
            machine.takeTurns(null);
            machine.afterEachStep(_ -> {});
        }
    }

    private void member(int number, Runnable work) {
        turns.enter(number);
        try {
            work.run();
        } finally {
            turns.leave();
        }
    }

    private void write(int writer) {
        Random random = new Random(seed + writer);
        for (int number = 1; number <= NUMBERS; number++) {
            putOnce("A" + writer, value(writer, number, random));
            if (random.nextInt(3) == 0) {
                persistently(() -> {
                    long _ = store.remove(("C" + writer).getBytes(UTF_8));
                });
            } else {
                byte[] value = value(writer, number, random);
                boolean again = random.nextBoolean();
                persistently(() -> {
                    long version = put("C" + writer, value);
                    machine.told(again ? put("C" + writer, value) : version); // mostly in place
                });
            }
            putOnce("B" + writer, value(writer, number, random));
            finished.set(writer, number);
        }
    }

    private byte[] value(int writer, int number, Random random) {
        int bytes = large && random.nextInt(6) == 0 ? LARGE_BYTES : random.nextInt(500);
        ByteBuffer value = ByteBuffer.allocate(Integer.BYTES * (WRITERS + 1) + bytes);
        value.putInt(number);
        for (int other = 0; other < WRITERS; other++) {
            byte[] seen = other == writer ? null : store.get(("A" + other).getBytes(UTF_8));
            value.putInt(seen == null ? 0 : ByteBuffer.wrap(seen).getInt());
        }
        byte[] rest = new byte[bytes];
        random.nextBytes(rest);
        return value.put(rest).array();
    }

    private void putOnce(String key, byte[] value) {
        persistently(() -> machine.told(put(key, value)));
    }

    private long put(String key, byte[] value) {
        return store.put(key.getBytes(UTF_8), value);
    }

    private void persistently(Runnable write) {
        boolean done = false;
        while (!done) {
            try {
                write.run();
                done = true;
            } catch (CheckpointFailed _) {
                turns.pass(); // until a checkpoint heals the store
            }
        }
        for (int turn = 0; turn < TURNS_BETWEEN; turn++) {
            turns.pass(); // no lock is held, so that a cut can be made
        }
    }

    private void checkpoints() {
        for (int made = 0; made < CHECKPOINTS || !finished(); made++) {
            int[] before = new int[WRITERS];
            for (int writer = 0; writer < WRITERS; writer++) {
                before[writer] = finished.get(writer);
            }
            floor = before;
            boolean done = false;
            while (!done) {
                try {
                    long _ = made % 4 == 3 ? store.compact() : store.checkpoint();
                    done = true;
                } catch (CheckpointFailed _) {
                    turns.pass();
                }
            }
            for (int turn = 0; turn < 25; turn++) {
                turns.pass();
            }
        }
    }

    private boolean finished() {
        for (int writer = 0; writer < WRITERS; writer++) {
            if (finished.get(writer) < NUMBERS) {
                return false;
            }
        }
        return true;
    }

    /** Reads the cut at P3, where this very thread holds all stripes. */
    private void cut() {
        Point point = new Point(Judge.read(store), 0, Point.UNKNOWN);
        floors.put(point, floor);
        machine.attempt(point);
    }

    /** Requires that a recovered state is a prefix of what happened. */
    void requirePrefix(Point point, String where) {
        int[] covered = floors.get(point);
        int[] as = new int[WRITERS];
        for (int writer = 0; writer < WRITERS; writer++) {
            as[writer] = said(point, "A" + writer)[0];
            int b = said(point, "B" + writer)[0];
            assertThat(as[writer]).as(where).isBetween(b, b + 1);
            assertThat(b).as(where).isGreaterThanOrEqualTo(covered[writer]);
        }
        for (int writer = 0; writer < WRITERS; writer++) {
            for (String name : List.of("A", "B", "C")) {
                int[] said = said(point, name + writer);
                assertThat(as[writer]).as(where).isGreaterThanOrEqualTo(said[0]);
                for (int other = 0; other < WRITERS; other++) {
                    assertThat(as[other]).as(where).isGreaterThanOrEqualTo(said[1 + other]);
                }
            }
        }
    }

    private static int[] said(Point point, String key) {
        var found = point.content().get(ByteBuffer.wrap(key.getBytes(UTF_8)));
        int[] said = new int[WRITERS + 1];
        if (found != null) {
            ByteBuffer.wrap(found.value()).asIntBuffer().get(said);
        }
        return said;
    }
}
