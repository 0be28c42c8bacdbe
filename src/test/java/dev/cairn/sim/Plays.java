package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CheckpointFailed;
import dev.cairn.CorruptStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.Rounds;
import dev.cairn.Stats;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Plays on a machine whose power fails. Each play is a function of its seed. */
final class Plays {
    /** Of so many disks one is not only judged but also used, and loses its power again. */
    private static final int USED_AGAIN = 60;

    private static final int STEPS_PER_IMAGE = 6;

    /** From the time after this one on, power fails only now and then at a step of one name. */
    private static final int OFTEN = Rounds.of(4, 8);

    private static final int TIMES_PER_IMAGE = Rounds.of(8, 4);

    private final Path directory;
    private final Tally tally;
    private final String replay;
    private final Map<String, Integer> killedAt = new TreeMap<>();
    private final Map<Kind, Integer> survived = new EnumMap<>(Kind.class);
    private boolean judges = true;

    /**
     * @param directory is left empty
     * @param replay the command that repeats the test, without the seed
     */
    Plays(Path directory, Tally tally, String replay) throws IOException {
        this.directory = directory.toRealPath();
        this.tally = tally;
        this.replay = replay;
    }

    /** For each step, how often stores were killed there. */
    Map<String, Integer> killedAt() {
        return killedAt;
    }

    /** How stores were opened after kills, and how often. */
    Map<Kind, Integer> survived() {
        return survived;
    }

    /** From here on no store is opened on the disks that a loss of power leaves. */
    void judgeNothing() {
        judges = false;
    }

    private interface Play {
        void on(Path data) throws IOException;
    }

    private void play(Play play) throws IOException {
        Path place = Files.createDirectory(directory.resolve("play"));
        try {
            play.on(place.resolve("store.cairn"));
        } finally {
            try (Stream<Path> files = Files.walk(place)) {
                for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }

    private Judge judge(Path data, String name, Options options) {
        return new Judge(data.resolveSibling(name), options, tally, replay);
    }

    private List<Crash> taken(Machine machine) {
        List<Crash> crashes = machine.takeCrashes();
        return judges ? crashes : List.of();
    }

    /** At each step, but only now and then at those that came often before. */
    private static void captureRareSteps(Machine machine) {
        machine.samples(1);
        Map<String, Integer> times = new HashMap<>();
        Random random = machine.random();
        machine.captureAt((step, _) ->
                times.merge(step, 1, Integer::sum) <= OFTEN
                        || random.nextInt(TIMES_PER_IMAGE) == 0);
    }

    private static Options options(Random random) {
        return Options.defaults().withManualCheckpoints().withStripes(1 << random.nextInt(3));
    }

    /** Captures images at some steps, and at all steps that decide. */
    private static void captureSome(Machine machine) {
        captureSome(machine, STEPS_PER_IMAGE);
    }

    private static void captureSome(Machine machine, int stepsPerImage) {
        machine.samples(1);
        Random random = machine.random();
        machine.captureAt((step, _) ->
                step.equals("P8")
                        || step.equals("P9")
                        || step.startsWith("O")
                        || random.nextInt(stepsPerImage) == 0);
    }

    /**
     * Plays a scenario whose power fails at every step, each time that the scenario comes to it.
     *
     * @param samples how many images are taken at each step, besides that of what was forced
     */
    void scenario(Scenario scenario, long seed, int samples) throws IOException {
        scenario(scenario, seed, machine -> machine.samples(samples));
    }

    /** Plays a scenario whose power fails at every step; at a step that comes often, not each time. */
    void shortScenario(Scenario scenario, long seed) throws IOException {
        scenario(scenario, seed, Plays::captureRareSteps);
    }

    private void scenario(Scenario scenario, long seed, Consumer<Machine> images)
            throws IOException {
        Options options = scenario.options();
        play(data -> {
            List<Crash> crashes;
            try (Rig rig = Rig.create(data, options, new Random(seed))) {
                images.accept(rig.machine());
                scenario.play(rig);
                rig.requireEqual();
                rig.closeStore();
                crashes = taken(rig.machine());
                tally.play(rig.machine());
            }
            Judge judge = judge(data, "crash", options);
            for (int i = 0; i < crashes.size(); i++) {
                Point point = judge.check(crashes.get(i));
                if (i % USED_AGAIN == 0 && crashes.get(i).data() != null) {
                    useAgain(judge, crashes.get(i), point, options);
                }
            }
        });
    }

    /** Recovers a store and works on. The power fails at every step of that. */
    private void useAgain(Judge judge, Crash crash, Point point, Options options)
            throws IOException {
        Path data = judge.lay(crash);
        List<Crash> crashes;
        Machine machine = new Machine(data, crash.random());
        machine.samples(1);
        machine.told(crash.lastVersion());
        try (Rig rig = Rig.recover(data, options, machine, point)) {
            rig.put(60, 8, 300);
            rig.checkpoint();
            rig.put(1, 8, 2_000);
            rig.remove(60, 8);
            crashes = taken(machine);
            tally.play(machine);
        }
        judge(data, "again", options).check(crashes);
        judge.clear();
    }

    /**
     * Forces fail. The store must refuse writes, and be right again from the next checkpoint on.
     */
    void failedForces(long seed) throws IOException {
        Random random = new Random(seed);
        Options options = options(random);
        play(data -> {
            List<Crash> crashes;
            try (Rig rig = Rig.create(data, options, random)) {
                captureSome(rig.machine());
                for (int round = 0; round < 4; round++) {
                    rig.work(12);
                    if (random.nextBoolean()) {
                        rig.checkpoint();
                        rig.work(6);
                    }
                    failAndHeal(rig, random);
                    rig.work(4);
                }
                rig.requireEqual();
                crashes = taken(rig.machine());
                tally.play(rig.machine());
            }
            judge(data, "crash", options).check(crashes);
        });
    }

    private static void failAndHeal(Rig rig, Random random) {
        rig.put(30, 8, 100); // so that there is something to force
        rig.failForces(random.nextInt(2), 1 + random.nextInt(3));
        assertThat(rig.checkpointFails()).isTrue();
        assertThat(rig.store().stats().state()).isEqualTo(Stats.State.FAILED);
        int refused = rig.refused();
        rig.put(31, 8, 100);
        rig.remove(30, 8);
        assertThat(rig.refused()).isEqualTo(refused + 2);
        rig.requireEqual(); // reads still work
        for (int attempt = 0; attempt < 8 && rig.checkpointFails(); attempt++) {
            rig.requireEqual();
        }
        rig.machine().fault(null);
        rig.checkpoint();
        assertThat(rig.store().stats().state()).isEqualTo(Stats.State.SOUND);
    }

    /**
     * Plays as {@link #failedForces} does. The same large entry is stored to regions in which it
     * stood before, while the kernel takes these for clean. The regions belonged to nobody when the
     * store was healed.
     */
    void failedForcesOfSameBytes(long seed) throws IOException {
        Random random = new Random(seed);
        Options options = Options.defaults().withManualCheckpoints().withStripes(1);
        play(data -> {
            List<Crash> crashes;
            try (Rig rig = Rig.create(data, options, random)) {
                rig.machine().samples(1);
                rig.machine().captureAt((step, _) -> step.equals("P9"));
                for (int round = 0; round < 40; round++) {
                    rig.work(2);
                    rig.checkpoint();
                    rig.put(30, 5_000, 8);
                    rig.put(30, 5_000, 8); // frees the first at once
                    rig.failCheckpoint(0, 1);
                    rig.put(30, 5_000, 8);
                    rig.checkpoint();
                }
                rig.requireEqual();
                crashes = taken(rig.machine());
                tally.play(rig.machine());
            }
            judge(data, "crash", options).check(crashes);
        });
    }

    /**
     * Plays as {@link #failedForces} does. The kernel also drops such pages and reads the old ones
     * back.
     */
    void droppedPages(long seed) throws IOException {
        Random random = new Random(seed);
        Options options = options(random);
        play(data -> {
            List<Crash> crashes;
            try (Rig rig = Rig.create(data, options, random)) {
                captureSome(rig.machine());
                rig.work(12);
                rig.checkpoint();
                rig.work(12);
                rig.put(30, 8, 100);
                rig.failForces(random.nextInt(2), 1);
                assertThat(rig.checkpointFails()).isTrue();
                rig.machine().fault(null);
                int pages = rig.machine().revert();
                try {
                    rig.checkpoint();
                    rig.requireEqual();
                    rig.work(6);
                } catch (CorruptStore _) {
                    assertThat(pages).isPositive();
                    assertThatThrownBy(() -> rig.store().put(new byte[] {1}, new byte[1]))
                            .isInstanceOf(CheckpointFailed.class);
                    assertThatThrownBy(rig::checkpoint).isInstanceOf(CorruptStore.class);
                    rig.machine().attempt(null);
                }
                rig.machine().capture("behind");
                crashes = taken(rig.machine());
                tally.play(rig.machine());
            }
            judge(data, "crash", options).check(crashes);
        });
    }

    /**
     * Plays as {@link #droppedPages} does. Nothing of the log came to the disk, so this must be
     * noticed.
     */
    void droppedLog(long seed) throws IOException {
        Random random = new Random(seed);
        Options options = options(random);
        play(data -> {
            try (Rig rig = Rig.create(data, options, random)) {
                captureSome(rig.machine());
                rig.work(12);
                rig.checkpoint();
                rig.put(30, 8, 100);
                rig.loseNextForce();
                assertThatThrownBy(rig::checkpoint).isInstanceOf(CorruptStore.class);
                rig.machine().attempt(null);
                judge(data, "crash", options).check(taken(rig.machine()));
            }
        });
    }

    /**
     * A force of opening or closing fails.
     *
     * @param after how many forces succeed before
     */
    void failedOpeningOrClosing(int after, long seed) throws IOException {
        Random random = new Random(seed);
        Options options = options(random);
        play(data -> {
            List<Crash> crashes;
            try (Rig rig = Rig.create(data, options, random)) {
                rig.machine().samples(1);
                rig.work(6);
                rig.checkpoint();
                rig.work(6);
                rig.put(30, 8, 100);
                int[] forces = {0};
                rig.machine()
                        .fault((cache, from, to) -> {
                            if (forces[0]++ != after) {
                                return false;
                            }
                            cache.fail(from, to, random);
                            throw new IOException("simulated: input/output error");
                        });
                boolean closed = rig.tryToClose();
                assertThat(closed).isEqualTo(after >= 4); // log, slot, shared memory, mark
                boolean opened = rig.tryToOpen();
                rig.machine().fault(null);
                if (!opened) {
                    rig.openStore();
                }
                rig.requireEqual();
                rig.work(4);
                rig.checkpoint();
                rig.work(4);
                rig.closeStore();
                rig.openStore();
                rig.requireEqual();
                crashes = taken(rig.machine());
                tally.play(rig.machine());
            }
            judge(data, "crash", options).check(crashes);
        });
    }

    /** All processes are killed at some steps of a scenario. */
    void kills(Scenario scenario, long seed) throws IOException {
        Random random = new Random(seed);
        play(data -> {
            List<Killed> kills = new ArrayList<>();
            try (Rig rig = Rig.create(data, scenario.options(), random)) {
                killAtSomeSteps(rig, kills);
                scenario.play(rig);
                rig.closeStore();
            }
            survive(kills, data, scenario.options());
        });
    }

    /** Forces fail, and processes are killed while the store says so or while it heals. */
    void failedForcesAndKills(long seed) throws IOException {
        Random random = new Random(seed);
        Options options = options(random);
        play(data -> {
            List<Killed> kills = new ArrayList<>();
            try (Rig rig = Rig.create(data, options, random)) {
                rig.work(12);
                rig.checkpoint();
                killAtSomeSteps(rig, kills);
                for (int round = 0; round < 3; round++) {
                    rig.work(8);
                    rig.put(30, 8, 100);
                    rig.failForces(random.nextInt(2), 1 + random.nextInt(2));
                    for (int attempt = 0; attempt < 4 && rig.checkpointFails(); attempt++) {
                        kill(rig, "failed", kills);
                    }
                    rig.machine().fault(null);
                    rig.checkpoint();
                }
            }
            survive(kills, data, options);
        });
    }

    /** All are killed when the clean mark was taken back but that was not forced yet. */
    void killsBeforeClearedMarkIsForced(long seed) throws IOException {
        Random random = new Random(seed);
        Options options = options(random);
        play(data -> {
            List<Killed> kills = new ArrayList<>();
            try (Rig rig = Rig.create(data, options, random)) {
                rig.machine().captureAt((_, _) -> false);
                rig.work(10);
                rig.closeStore();
                rig.machine()
                        .afterEachStep(step -> {
                            if (step.equals("force") && kills.isEmpty()) {
                                kill(rig, step, kills);
                            }
                        });
                rig.openStore();
            }
            survive(kills, data, options);
        });
    }

    private static void killAtSomeSteps(Rig rig, List<Killed> kills) {
        Random random = rig.random();
        rig.machine().captureAt((_, _) -> false);
        boolean[] committed = {false};
        Set<String> inPlace = new HashSet<>();
        rig.machine()
                .afterEachStep(step -> {
                    boolean opening = step.equals("force") || step.startsWith("O");
                    boolean first = step.equals("W6") && !committed[0];
                    if (random.nextInt(opening ? 8 : step.startsWith("P") ? 20 : 100) == 0
                            || first // at least one leaves a write to finish
                            || step.startsWith("X") && inPlace.add(step)) {
                        kill(rig, step, kills);
                    }
                    committed[0] |= first;
                });
    }

    private static void kill(Rig rig, String step, List<Killed> kills) {
        try {
            Killed killed = rig.machine().kill(rig.standing(), step);
            if (killed != null) {
                kills.add(killed);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void survive(List<Killed> kills, Path data, Options options) throws IOException {
        Judge files = judge(data, "killed", options);
        for (Killed killed : kills) {
            Path left = files.empty().resolve("killed.cairn");
            judge(data, "crash", options).check(survive(killed, left, options));
        }
    }

    private List<Crash> survive(Killed killed, Path data, Options options) throws IOException {
        Machine machine = new Machine(data, new Random(killed.seed()));
        captureSome(machine, 2 * STEPS_PER_IMAGE); // there are hundreds of kills
        machine.samples(killed.where().startsWith("force") ? 6 : 1);
        machine.begin(killed);
        try (Rig rig = Rig.survive(data, options, machine, killed)) {
            survived.merge(rig.store().recovery().kind(), 1, Integer::sum);
            String step = killed.where().substring(0, killed.where().indexOf(" #"));
            killedAt.merge(step, 1, Integer::sum);
            rig.put(1, 8, 300);
            rig.put(61, 8, 2_000);
            rig.checkpoint();
            rig.put(1, 8, 400);
            rig.remove(61, 8);
            rig.requireEqual();
            machine.capture("end");
            tally.play(machine);
            return taken(machine);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("killed at " + killed.where() + "; again: " + replay, e);
        }
    }

    /** Threads that write, clean and make checkpoints take turns. */
    void crowd(long seed) throws IOException {
        play(data -> {
            Random random = new Random(seed);
            Options options = options(random);
            Machine machine = new Machine(data, random);
            captureSome(machine);
            Crowd crowd = Crowd.play(data, options, machine);
            tally.play(machine);
            Judge judge = judge(data, "crash", options);
            for (Crash crash : taken(machine)) {
                crowd.requirePrefix(judge.check(crash), crash.where() + "; again: " + replay);
            }
        });
    }
}
