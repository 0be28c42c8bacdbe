package dev.cairn.sim;

import dev.cairn.format.SharedLayout;
import dev.cairn.os.Host;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A computer on which one store runs, and whose power may fail at every step. At each step the
 * machine notes what the disk would hold. {@link Judge} judges later, while nothing else runs,
 * whether a store that is opened on that is right.
 *
 * <p>While no machine is on, forces do nothing and nobody listens to steps.
 */
final class Machine implements Medium, AutoCloseable {
    private static final List<Arrival> SOME =
            List.of(
                    Arrival.EVERYTHING,
                    Arrival.PAGES,
                    Arrival.SECTORS,
                    Arrival.WORDS,
                    Arrival.WORDS);

    /** The background of a store must do nothing by itself, since it would do it by the clock. */
    private static final String TICK_PROPERTY = "dev.cairn.cleaning-tick-millis";

    private static final String NO_TICK_MILLIS = "100000000";

    /** What the wall clock shows at first, which is some day of 2026. */
    private static final long START_MILLIS = 1_780_000_000_000L;

    /** How long a step takes for anybody who asks for the time. */
    private static final long STEP_NANOS = 10_000;

    private static volatile @Nullable Machine on;

    private final Path data;
    private final Path shared;
    private final Random random;
    private final Random ids;

    /**
     * The time of all machines since {@link #install}. It goes on from machine to machine, since a
     * disk is opened later than it was written.
     */
    private static final AtomicLong NANOS = new AtomicLong();

    private final Trace trace = new Trace();
    private final List<Crash> crashes = new ArrayList<>();
    private final Map<String, Integer> steps = new TreeMap<>();
    private List<Point> points = List.of();
    private @Nullable Point attempt;
    private @Nullable Supplier<Point> unasked;
    private @Nullable List<Point> undone;
    private @Nullable PageCache dataCache;
    private @Nullable PageCache sharedCache;
    private @Nullable Image formerShared;
    private @Nullable Object sharedKey;
    private boolean sharedForced;
    private BiPredicate<String, Integer> captures = (_, _) -> true;
    private int samples = 2;
    private int count;
    private long lastVersion;
    private @Nullable Fault fault;
    private Consumer<String> before = _ -> {};
    private Consumer<String> after = _ -> {};
    private volatile @Nullable Turns turns;

    /** What happens to a force. */
    interface Fault {
        /**
         * Returns whether the fault has dealt with the force. If not, the force goes on as usual.
         */
        boolean meets(PageCache cache, long from, long to) throws IOException;
    }

    Machine(Path data, Random random) {
        this.data = data;
        this.shared = data.resolveSibling(data.getFileName() + "-shm");
        this.random = random;
        this.ids = new Random(random.nextLong());
    }

    private synchronized UUID id() {
        return new UUID(ids.nextLong(), ids.nextLong());
    }

    /** Installs a medium that asks the machine that is on, and turns that machine off. */
    static void install() {
        if (!Steps.ON) {
            throw new IllegalStateException(
                    "the numbered steps are off: this JVM needs -D" + Steps.PROPERTY + "=true");
        }
        on = null;
        NANOS.set(0);
        Medium.use(new OfTheMachine());
        Steps.listen(new Stage());
        System.setProperty(TICK_PROPERTY, NO_TICK_MILLIS);
    }

    /** Puts the operating system back. */
    static void uninstall() {
        on = null;
        Steps.listen(null);
        Medium.use(Medium.SYSTEM);
        System.clearProperty(TICK_PROPERTY);
    }

    /** Hands everything that decides how a play goes to the machine that is on. */
    private static final class Stage implements Steps.Listener {
        @Override
        public void at(String step) {
            Machine machine = on;
            if (machine != null) {
                machine.step(step);
            }
        }

        @Override
        public long pause(long nanos) {
            Machine machine = on;
            return machine == null ? nanos : machine.pause(nanos);
        }

        @Override
        public long nanoTime() {
            Machine machine = on;
            return machine == null ? System.nanoTime() : NANOS.get();
        }

        @Override
        public long wallMillis() {
            return START_MILLIS + NANOS.get() / 1_000_000;
        }

        @Override
        public UUID randomId() {
            Machine machine = on;
            return machine == null ? Steps.Listener.super.randomId() : machine.id();
        }
    }

    private static final class OfTheMachine implements Medium {
        @Override
        public void force(MappedFile file, long from, long to) throws IOException {
            Machine machine = on;
            if (machine != null) {
                machine.force(file, from, to);
            }
        }

        @Override
        public void stored(MappedFile file, long from, long to) {
            Machine machine = on;
            if (machine != null) {
                machine.stored(file, from, to);
            }
        }
    }

    /** From now on steps and forces belong to this machine. */
    void turnOn() {
        on = this;
    }

    /** From now on steps and forces belong to no machine. */
    void turnOff() {
        on = null;
    }

    /** Sets at which steps, by name and number, the machine notes what the disk holds. */
    synchronized void captureAt(BiPredicate<String, Integer> which) {
        captures = which;
    }

    /** Sets how many images are noted at a step at which a part has arrived. */
    synchronized void samples(int each) {
        samples = each;
    }

    /** Sets what happens to forces; null for nothing. */
    synchronized void fault(@Nullable Fault what) {
        fault = what;
    }

    /** Sets what runs at each step before it is noted. */
    synchronized void beforeEachStep(Consumer<String> what) {
        before = what;
    }

    /** Sets what runs at each step once it is noted. */
    synchronized void afterEachStep(Consumer<String> what) {
        after = what;
    }

    /** Sets the state that the store certainly has on disk. */
    synchronized void durable(Point point) {
        points = List.of(point);
        attempt = null;
    }

    synchronized List<Point> points() {
        return points;
    }

    /**
     * A checkpoint begins. From the store of its slot on the store may be at it, and from the force
     * of the slot on it is.
     */
    synchronized void attempt(@Nullable Point point) {
        attempt = point;
    }

    /**
     * Sets what a checkpoint holds that nobody requested, once its cut is made. Null if there are
     * none.
     */
    synchronized void unasked(@Nullable Supplier<Point> content) {
        unasked = content;
    }

    /** Notes that somebody was told that version. */
    synchronized void told(long version) {
        lastVersion = Math.max(lastVersion, version);
    }

    synchronized int count() {
        return count;
    }

    synchronized Map<String, Integer> steps() {
        return new TreeMap<>(steps);
    }

    /** Returns what was noted since the last call. */
    synchronized List<Crash> takeCrashes() {
        List<Crash> taken = List.copyOf(crashes);
        crashes.clear();
        return taken;
    }

    /** From now on threads take turns, or do not if the argument is null. */
    void takeTurns(@Nullable Turns by) {
        turns = by;
    }

    private void pass() {
        Turns by = turns;
        if (by != null) {
            by.pass();
        }
    }

    /** Lets others run meanwhile. If there are none, lets time go by. */
    private long pause(long nanosToSleep) {
        Turns by = turns;
        if (by == null || !by.giveWay()) {
            NANOS.addAndGet(nanosToSleep);
        }
        return 0;
    }

    /** Everything that happened, in its order. */
    Trace trace() {
        return trace;
    }

    /** Lets time go by while nothing happens. */
    static void pass(Duration time) {
        NANOS.addAndGet(time.toNanos());
    }

    private void step(String name) {
        Consumer<String> first;
        Consumer<String> then;
        synchronized (this) {
            first = before;
            then = after;
        }
        first.accept(name); // without this monitor, since these may do anything to the store
        reached(name);
        then.accept(name);
        pass();
    }

    private synchronized void reached(String name) {
        try {
            look();
            count++;
            note(name);
            steps.merge(name, 1, Integer::sum);
            Supplier<Point> cut = unasked;
            if (attempt == null && cut != null && name.equals("P3")) {
                attempt = cut.get();
            }
            Point trying = attempt;
            if (trying != null && name.equals("P8")) {
                points = append(points, trying);
            } else if (trying != null && name.equals("P9")) {
                undone = points;
                durable(trying);
            }
            if (!isWaiting(name) && captures.test(name, count)) {
                capture(name + " #" + count);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether the step belongs to a wait for a lock, in which nothing is stored. */
    private static boolean isWaiting(String step) {
        return step.equals("L1") || step.equals("L3");
    }

    private void note(String name) {
        NANOS.addAndGet(STEP_NANOS);
        Turns by = turns;
        trace.step(by == null ? "" : by.member() + " ", name);
    }

    private static List<Point> append(List<Point> points, Point point) {
        if (points.contains(point)) {
            return points;
        }
        List<Point> longer = new ArrayList<>(points);
        longer.add(point);
        return List.copyOf(longer);
    }

    private void look() throws IOException {
        if (dataCache != null) {
            dataCache.look();
        } else if (Files.exists(data)) {
            dataCache = new PageCache(data, true); // it is complete before it gets its name
        }
        Object key = Files.exists(shared) ? Files.getAttribute(shared, "unix:ino") : null;
        if (key != null && !key.equals(sharedKey)) {
            if (sharedCache != null) {
                formerShared = sharedCache.crash(Arrival.EVERYTHING, random);
                sharedCache.close();
            }
            sharedCache = new PageCache(shared, false);
            sharedKey = key;
            sharedForced = false;
        } else if (sharedCache != null) {
            sharedCache.look();
        }
    }

    /** Begins with files that were there before this machine. All of them is on disk. */
    synchronized void begin() throws IOException {
        dataCache = new PageCache(data, true);
        if (Files.exists(shared)) {
            sharedCache = new PageCache(shared, true);
            sharedForced = true;
            sharedKey = Files.getAttribute(shared, "unix:ino");
        }
    }

    /** Kills all processes of the machine now. Returns null if there is nothing of them yet. */
    synchronized @Nullable Killed kill(Rig.Standing standing, String step) throws IOException {
        look();
        if (dataCache == null || sharedCache == null) {
            return null;
        }
        List<Point> may = points;
        if (step.equals("P9") && undone != null) {
            may = undone; // on disk but unknown, so the next may overwrite it
        }
        return new Killed(
                dataCache.state(),
                sharedCache.state(),
                may,
                lastVersion,
                standing,
                step + " #" + count,
                random.nextLong());
    }

    /** Begins with the files of processes that were killed, under another name. */
    synchronized void begin(Killed killed) throws IOException {
        dataCache = new PageCache(data, killed.data());
        sharedCache = new PageCache(shared, killed.shared());
        sharedCache.store(SharedLayout.DATA_INODE, Host.inode(data));
        sharedKey = Files.getAttribute(shared, "unix:ino");
        sharedForced = true;
        points = // opening may make a checkpoint of the same content
                killed.points().stream()
                        .map(point -> new Point(point.content(), point.hidden(), Point.UNKNOWN))
                        .toList();
        lastVersion = killed.lastVersion();
    }

    /** Notes what the disk would hold now. */
    synchronized void capture(String where) throws IOException {
        look();
        add(Arrival.NOTHING, where);
        boolean marked =
                sharedCache != null
                        && sharedCache.word(SharedLayout.CLEAN) == 1
                        && !sharedCache.isClean();
        if (dataCache != null && (marked || !dataCache.isClean())) {
            for (int i = 0; i < samples; i++) {
                add(SOME.get(random.nextInt(SOME.size())), where);
            }
        }
    }

    private void add(Arrival arrival, String where) {
        Image image = dataCache == null ? null : dataCache.crash(arrival, random);
        Crash crash =
                new Crash(
                        image,
                        sharedImage(arrival),
                        points,
                        lastVersion,
                        where + " " + arrival,
                        random.nextLong());
        int from = Math.max(0, crashes.size() - 6);
        if (crashes.subList(from, crashes.size()).stream().noneMatch(crash::isSame)) {
            crashes.add(crash);
            trace.disk(crash);
        }
    }

    /**
     * The directory was never forced. So the disk may have the name with this file, the name with
     * the former file, or not the name.
     */
    private @Nullable Image sharedImage(Arrival arrival) {
        if (sharedCache == null || arrival == Arrival.NOTHING && !sharedForced) {
            return null;
        }
        if (arrival == Arrival.NOTHING || arrival == Arrival.EVERYTHING) {
            return sharedCache.crash(arrival, random);
        }
        return switch (random.nextInt(5)) {
            case 0 -> null;
            case 1 -> formerShared;
            case 2 -> sharedCache.crash(Arrival.EVERYTHING, random);
            default -> sharedCache.crash(arrival, random);
        };
    }

    @Override
    public void force(MappedFile file, long from, long to) throws IOException {
        Consumer<String> then;
        synchronized (this) {
            then = after;
        }
        then.accept("force");
        pass();
        forceNow(file, from, to);
    }

    private synchronized void forceNow(MappedFile file, long from, long to) throws IOException {
        look();
        PageCache cache = cacheOf(file);
        if (cache == null) {
            return;
        }
        count++;
        note("force");
        if (captures.test("force", count)) {
            capture("force #" + count);
        }
        if (fault != null && fault.meets(cache, from, to)) {
            return;
        }
        cache.force(from, to);
        if (!isData(cache)) {
            sharedForced = true;
        }
    }

    @Override
    public synchronized void stored(MappedFile file, long from, long to) {
        try {
            PageCache cache = cacheOf(file);
            if (cache != null) {
                cache.stored(from, to);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private @Nullable PageCache cacheOf(MappedFile file) {
        return file.path().equals(data)
                ? dataCache
                : file.path().equals(shared) ? sharedCache : null;
    }

    /** Whether this is the cache of the data file. */
    @SuppressWarnings("ReferenceEquality")
    synchronized boolean isData(PageCache cache) {
        return cache == dataCache;
    }

    /** Reads the pages whose force failed again from the disk. Returns how many there were. */
    synchronized int revert() throws IOException {
        return dataCache == null ? 0 : dataCache.revert();
    }

    /** Makes the kernel write back the data file, by itself. */
    synchronized void writeBack() throws IOException {
        look();
        if (dataCache != null) {
            dataCache.writeBack();
        }
    }

    /** What is left if the power fails now and everything that was stored has arrived. */
    synchronized Crash crash(String where) throws IOException {
        look();
        crashes.clear();
        add(Arrival.EVERYTHING, where);
        return takeCrashes().getFirst();
    }

    synchronized Random random() {
        return random;
    }

    @Override
    public synchronized void close() {
        if (on == this) {
            on = null;
        }
        if (dataCache != null) {
            dataCache.close();
        }
        if (sharedCache != null) {
            sharedCache.close();
        }
    }
}
