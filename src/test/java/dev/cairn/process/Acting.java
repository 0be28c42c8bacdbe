package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import dev.cairn.Cairn;
import dev.cairn.CairnException;
import dev.cairn.CairnStore;
import dev.cairn.Change;
import dev.cairn.ChangeFeed;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.Replica;
import dev.cairn.Stats;
import dev.cairn.Verification;
import dev.cairn.events.Events;
import dev.cairn.format.DataHeader;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.Host;
import dev.cairn.os.HostClock;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.Steps;
import dev.cairn.process.Ledger.Figure;
import dev.cairn.process.Workload.Mode;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The program that runs in a {@link Child}. Each line of its standard input is an order: a verb and
 * its operands, with tabs between them. It answers each order by one line. It ends when its parent
 * ends.
 */
public final class Acting {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    static final String DONE = "= ";
    static final String AT = "at ";
    static final String FAILED = "! ";

    private final PrintStream out = new PrintStream(System.out, true, UTF_8);
    private final Semaphore go = new Semaphore(0);
    private final List<String> recorded = Collections.synchronizedList(new ArrayList<>());
    private final List<FileInputStream> hogged = new ArrayList<>();
    private final MapOrders maps = new MapOrders();
    private CairnStore store;

    private Acting() {}

    /** Obeys orders until its standard input ends. */
    public static void main(String[] none) throws IOException {
        new Acting().obey();
        Runtime.getRuntime().halt(0);
    }

    private void obey() throws IOException {
        try (ExecutorService worker = Executors.newSingleThreadExecutor();
                BufferedReader orders =
                        new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
            for (String line = orders.readLine(); line != null; line = orders.readLine()) {
                String order = line;
                if (order.equals("go")) { // the worker stands at a step
                    go.release();
                } else if (order.startsWith("copy\t")) { // the worker may stand at a step here too
                    copy(Path.of(order.substring(order.indexOf('\t') + 1)));
                    out.println(DONE);
                } else {
                    worker.execute(() -> answer(order.split("\t", -1)));
                }
            }
            Runtime.getRuntime().halt(0); // whatever the worker is doing
        }
    }

    private void answer(String[] order) {
        String answer;
        try {
            answer = DONE + act(order);
        } catch (IOException | RuntimeException | Error e) {
            answer = FAILED + e;
            if (!(e instanceof CairnException)) {
                e.printStackTrace();
            }
        }
        out.println(answer.replace('\n', ' '));
    }

    /** The figures of a store that must be the same in every process. */
    static String figures(Stats stats) {
        return "%d entries, %d writes, %d live, %d garbage, %d regions, %d free, %d waiting"
                .formatted(
                        stats.entries(),
                        stats.writes(),
                        stats.liveBytes(),
                        stats.garbageBytes(),
                        stats.regions(),
                        stats.freeRegions(),
                        stats.waitingRegions());
    }

    private Object act(String[] order) throws IOException {
        return switch (order[0]) {
            case "pid" -> ProcessHandle.current().pid();
            case "open" -> open(Path.of(order[1]), Scenario.QUIET);
            case "join" -> open(Path.of(order[1]), lastingMillis(order[2]));
            case "open as" -> open(Path.of(order[1]), permitting(order[2]));
            case "bounded" -> open(Path.of(order[1]), bounded(order[2]));
            case "open with rollback" -> open(Path.of(order[1]), Scenario.QUIET.withRollback());
            case "view" -> open(Path.of(order[1]), Options.defaults().withReadOnly(true));
            case "close" -> close();
            case "put" -> store.put(bytes(order[1]), Values.of(order[1], 1, 2, number(order[2])));
            case "lasting" -> putLasting(order[1], Long.parseLong(order[2]));
            case "clocks" -> setClocks(Long.parseLong(order[1]), Long.parseLong(order[2]));
            case "ahead" -> store.stats().clockAheadMillis();
            case "get" -> said(order[1]);
            case "look" -> look(order[1]);
            case "remove" -> store.remove(bytes(order[1]));
            case "park" -> stopAt(order[1], number(order[2]));
            case "pace" -> pace(order[1], number(order[2]));
            case "lock" -> lock(Path.of(order[1]));
            case "record" -> record();
            case "steps" -> String.join("\t", recorded);
            case "verify" -> verify();
            case "recorder" -> Events.load();
            case "fly" -> Flights.begin();
            case "flown" -> Flights.checkpoints();
            case "figures" -> figures(store.stats());
            case "checkpoint" -> store.checkpoint();
            case "compact" -> store.compact();
            case "share" -> share(order[1], number(order[2]));
            case "restore" -> openAfterRestoring(Path.of(order[1]));
            case "spawn" -> new ProcessBuilder(order[1].split(" ", -1)).start().pid();
            case "backup" -> store.backup(Path.of(order[1]));
            case "naming" -> store.stats().naming();
            case "hog" -> takeAllDescriptors();
            case "unhog" -> giveDescriptorsBack(Integer.MAX_VALUE);
            case "spare" -> giveDescriptorsBack(number(order[1]));
            case "preload" -> Preloading.all();
            case "watch" -> watch();
            case "race" -> race(Path.of(order[1]), order[2], Long.parseLong(order[3]));
            case "churn" -> churn(Path.of(order[1]), number(order[2]), number(order[3]));
            case "write" -> work(order, Acting::write);
            case "read" -> work(order, Acting::read);
            case "blind" -> work(order, Acting::blind);
            case "grow" -> work(order, Acting::grow);
            case "cycle" -> cycle(order);
            case "property" -> System.setProperty(order[1], order[2]);
            case "await" -> awaitChange(order[1], Long.parseLong(order[2]));
            case "poll" -> poll();
            case "listed" -> listed(order[1]);
            case "discard" -> Cairn.removeSharedMemory(order[1]);
            case "crowd" ->
                    new Crowding()
                            .sweep(
                                    Path.of(order[1]),
                                    number(order[2]),
                                    number(order[3]),
                                    number(order[4]));
            case "answer" -> answerEach(order[1], order[2], number(order[3]));
            case "follow" -> follow(order);
            case "hammer" -> CacheWorkload.run(order);
            case "popular" -> CacheWorkload.makePopular(store, number(order[1]));
            case "pictured" -> PicturedLane.run(order);
            case "hot write" -> new HotKey(store).write(number(order[1]), Long.parseLong(order[2]));
            case "linear" -> LinearWork.run(order);
            case "disturb" -> LinearWork.disturb(order);
            case "hot read" -> readHot(Path.of(order[1]));
            default -> maps.act(order);
        };
    }

    private static int number(String word) {
        return Integer.parseInt(word);
    }

    private static Options lastingMillis(String millis) {
        return Scenario.QUIET.withLockTimeout(Duration.ofMillis(Long.parseLong(millis)));
    }

    private static Options permitting(String permissions) {
        return Scenario.QUIET.withPermissions(PosixFilePermissions.fromString(permissions));
    }

    private static Options bounded(String bytes) {
        return Scenario.QUIET.withMaxBytes(Long.parseLong(bytes));
    }

    private Object open(Path path, Options options) {
        store = Cairn.open(path, options);
        return store.recovery().kind();
    }

    /**
     * Opens a store after the system properties were put back, as tests do. Here a reader has the
     * store open when they are put back.
     */
    private Object openAfterRestoring(Path path) {
        Properties saved = (Properties) System.getProperties().clone();
        try (CairnStore reader = Cairn.open(path, Options.defaults().withReadOnly(true))) {
            System.setProperties(saved);
            long _ = reader.size();
            return open(path, Scenario.QUIET);
        }
    }

    /**
     * Copies the files of a store, as a backup of a directory does, but within the program that has
     * the store open.
     */
    private static void copy(Path file) throws IOException {
        for (String each : List.of("", "-shm", "-lock")) {
            Files.copy(Path.of(file + each), Path.of(file + ".copy" + each), REPLACE_EXISTING);
        }
    }

    private static Object listed(String name) {
        return Cairn.sharedMemoryStores().stream()
                .filter(each -> each.name().equals(name))
                .map(each -> each.state() + " " + each.problem().orElse(""))
                .findFirst()
                .orElse("none");
    }

    private Object close() {
        store.close();
        return "closed";
    }

    private Object takeAllDescriptors() {
        try {
            while (true) {
                hogged.add(new FileInputStream("/dev/null"));
            }
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    private Object giveDescriptorsBack(int most) throws IOException {
        for (int given = 0; given < most && !hogged.isEmpty(); given++) {
            hogged.removeLast().close();
        }
        return "back";
    }

    private Object watch() {
        try (ChangeFeed<byte[]> feed = store.watch()) {
            store.put(bytes("watched"), Values.of("watched", 1, 2, 100));
            Change<byte[]> change = feed.poll(PATIENCE);
            return change == null ? "none" : change.getClass().getSimpleName();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Object putLasting(String key, long millis) {
        return store.put(bytes(key), Values.of(key, 1, 2, 100), Duration.ofMillis(millis));
    }

    /** Sets how far this process's clocks are ahead of the host's. */
    private static Object setClocks(long wallMillis, long bootMillis) {
        HostClock.shift(Duration.ofMillis(wallMillis), Duration.ofMillis(bootMillis));
        return HostClock.wallMillis();
    }

    private Object said(String key) {
        byte[] value = store.get(bytes(key));
        return value == null ? "absent" : Values.whole(key, value).sequence();
    }

    /** Reads one key again and again until it is told to "go" on. Returns how often it read. */
    private Object look(String key) {
        long newest = 0;
        long times = 0;
        out.println(AT + key);
        for (; !go.tryAcquire(); times++) {
            long sequence = Values.whole(key, store.get(bytes(key))).sequence();
            if (sequence < newest) {
                throw new AssertionError(key + " went back from " + newest + " to " + sequence);
            }
            newest = sequence;
        }
        return times;
    }

    /** Reads one key in every way until it is told to "go" on. */
    private Object readHot(Path path) {
        out.println(AT + HotKey.KEY);
        return new HotKey(store).read(path, go::tryAcquire);
    }

    /** Stops when this process reaches the step for the {@code time}th time; "go" lets it pass. */
    private Object stopAt(String step, int time) {
        AtomicInteger times = new AtomicInteger();
        Steps.listen(reached -> {
            if (reached.equals(step) && times.incrementAndGet() == time) {
                out.println(AT + step);
                go.acquireUninterruptibly();
            }
        });
        return step;
    }

    /** Pauses each time that this process reaches the step. */
    private static Object pace(String step, int millis) {
        Steps.listen(reached -> {
            if (reached.equals(step)) {
                LockSupport.parkNanos(Duration.ofMillis(millis).toNanos());
            }
        });
        return step;
    }

    /** Holds the open lock of a store, and does nothing else, until it is told to "go" on. */
    private Object lock(Path store) throws IOException {
        Path file = store.resolveSibling(store.getFileName() + "-lock");
        try (KernelLocks kernel = KernelLocks.openExisting(file, true)) {
            if (!(kernel.tryExclusive(ProcessTable.OPEN_BYTE, 1)
                    instanceof KernelLocks.Held held)) {
                throw new AssertionError(file + ": locked already");
            }
            out.println(AT + "lock");
            go.acquireUninterruptibly();
            held.release();
        }
        return "unlocked";
    }

    private Object record() {
        recorded.clear();
        Steps.listen(recorded::add);
        return "recording";
    }

    private Object verify() {
        Verification verification = store.verify();
        if (!verification.sound()) {
            throw new AssertionError(verification.damages().toString());
        }
        return verification.entries();
    }

    /** Makes each of its writes durable. Returns how many checkpoints of its own that took. */
    private Object share(String key, int times) {
        for (int i = 1; i <= times; i++) {
            long need = store.stats().epoch(); // a cut before the put makes it a later one
            store.put(bytes(key), Values.of(key, 1, i, 100));
            long epoch = store.checkpoint();
            if (epoch < need || store.stats().durableEpoch() < epoch) {
                throw new AssertionError("needed " + need + " and got " + epoch);
            }
        }
        return store.stats().checkpoints();
    }

    /**
     * Opens a store at a given instant and puts a key of its own. Returns how the store was opened,
     * and its id.
     */
    private Object race(Path path, String key, long atMillis) throws IOException {
        while (System.currentTimeMillis() < atMillis) {
            Thread.onSpinWait();
        }
        Object kind = open(path, Options.defaults().withStripes(4));
        store.put(bytes(key), Values.of(key, 1, 1, 100));
        byte[] block = Host.read(path, DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES);
        return kind + " " + DataHeader.decode(path, block).storeId();
    }

    /**
     * Opens a store, writes to it and closes it, again and again. Returns which kinds of opening it
     * saw.
     */
    private Object churn(Path path, int lane, int rounds) throws IOException {
        List<Object> kinds = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            String key = "churn/" + lane;
            kinds.add(open(path, Options.defaults().withStripes(4)));
            byte[] found = store.get(bytes(key));
            long sequence = found == null ? 0 : Values.whole(key, found).sequence();
            if (sequence != round - 1) {
                throw new AssertionError(key + " is " + sequence + " in round " + round);
            }
            store.put(bytes(key), Values.of(key, lane, round, 300));
            store.put(bytes(key + "/" + round), Values.of(key + "/" + round, lane, round, 5_000));
            close();
        }
        return kinds.stream().distinct().toList();
    }

    private interface Work {
        void run(Workload workload, String[] order);
    }

    /**
     * Does a piece of work on a store. The operands are the store, ledger, lane, seed, and what the
     * work itself takes.
     */
    private Object work(String[] order, Work work) throws IOException {
        try (Ledger ledger = Ledger.at(Path.of(order[2]))) {
            Steps.listen(step -> count(step, ledger, number(order[3])));
            open(Path.of(order[1]), mode(order).options().withReadOnly(order[0].equals("read")));
            Kind kind = store.recovery().kind();
            boolean mayDieOfOpening = order[0].equals("cycle"); // after it cleared the clean mark
            if (kind == Kind.REBUILT && !mayDieOfOpening) { // the test never deletes shared memory
                throw new AssertionError(store.recovery().toString());
            }
            ledger.add(number(order[3]), Figure.opened(kind), 1);
            Workload workload = new Workload(store, ledger);
            if (order[0].equals("cycle")) {
                workload.judgeLane(number(order[3]));
            }
            work.run(workload, order);
            close();
        }
        return order[0];
    }

    private static Mode mode(String[] order) {
        return order.length > 7 ? Mode.valueOf(order[7]) : Mode.BUSY;
    }

    /**
     * Counts the steps of interest. The counts are approximate, since background threads count too.
     */
    static void count(String step, Ledger ledger, int lane) {
        switch (step) {
            case "E1" -> ledger.add(lane, Figure.MOVES, 1);
            case "E2" -> ledger.add(lane, Figure.EVACUATIONS, 1);
            case "W6 drop" -> ledger.add(lane, Figure.DROPS, 1);
            case "W6 copy" -> ledger.add(lane, Figure.FOLDED_COPIES, 1);
            case "P9" -> ledger.add(lane, Figure.CHECKPOINTS, 1);
            default -> {}
        }
    }

    private static void write(Workload workload, String[] order) {
        workload.write(
                number(order[3]),
                Long.parseLong(order[4]),
                Long.parseLong(order[5]),
                Long.parseLong(order[6]),
                mode(order));
    }

    private static void read(Workload workload, String[] order) {
        workload.read(number(order[3]), Long.parseLong(order[4]));
    }

    private static void blind(Workload workload, String[] order) {
        workload.incrementBlindly(number(order[3]), number(order[5]));
    }

    private static void grow(Workload workload, String[] order) {
        workload.grow(number(order[3]));
    }

    private Object awaitChange(String key, long since) {
        try {
            return store.awaitChange(bytes(key), since, PATIENCE);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Waits for the next change from now on. */
    private Object poll() {
        try (ChangeFeed<byte[]> feed = store.watch()) {
            out.println(AT + "poll");
            Change<byte[]> change = feed.poll(PATIENCE);
            return change == null ? "none" : change.getClass().getSimpleName();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Puts one key whenever another has changed. */
    private Object answerEach(String heard, String said, int times) {
        SplittableRandom random = new SplittableRandom(times);
        long seen = 0;
        for (int i = 1; i <= times; i++) {
            long now = (long) awaitChange(heard, seen);
            if (now == seen) {
                throw new AssertionError(heard + " did not change after " + i);
            }
            seen = now;
            if (random.nextInt(4) == 0) {
                LockSupport.parkNanos(random.nextInt(200_000));
            }
            store.put(bytes(said), Values.of(said, 2, i, 0));
        }
        return times;
    }

    /**
     * Follows the feed until the ledger says that nobody writes any more. The operands are the
     * store, the ledger and how to open the store.
     */
    private Object follow(String[] order) throws IOException {
        boolean readOnly = order[3].equals("view");
        open(Path.of(order[1]), Mode.BUSY.options().withReadOnly(readOnly));
        try (Ledger ledger = Ledger.at(Path.of(order[2]));
                Replica replica = new Replica(store, store.watch())) {
            out.println(AT + "follow");
            while (ledger.order() != Ledger.JUDGE) {
                boolean _ = replica.next(Duration.ofMillis(10));
            }
            replica.awaitEqual(PATIENCE);
            return replica.told() + " told, " + replica.lagged() + " lagged";
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            close();
        }
    }

    /** Opens a store, does a number of operations and closes it, again and again. */
    private Object cycle(String[] order) throws IOException {
        SplittableRandom random = new SplittableRandom(Long.parseLong(order[4]));
        while (true) {
            order[4] = Long.toString(random.nextLong());
            work(order, Acting::write);
        }
    }
}
