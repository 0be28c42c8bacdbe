package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreFull;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;
import dev.cairn.process.Diary.Note;
import dev.cairn.process.Ledger.Figure;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * One writer of a store of which pictures are taken. What its operation n does is a function of the
 * lane and of n alone. So the keys of a lane tell how many of its operations a picture has. All
 * keys must tell the same number, or else the picture is a mixture.
 */
final class PicturedLane {
    /** How many keys a lane has. */
    static final int KEYS = 400;

    /**
     * So many of these keys get half of the operations, with values of one length. They are
     * overwritten in place where that is allowed.
     */
    private static final int HOT_KEYS = 8;

    private static final int HOT_BYTES = 200;
    private static final int SMALL_BYTES = 600;

    /** Larger than a region, so such values lie in runs. */
    private static final int LARGE_BYTES = 30_000;

    /**
     * After so many operations that put more than they remove, as many follow that remove more than
     * they put.
     */
    private static final int PHASE = 3_000;

    private static final int OPERATIONS_PER_CHECKPOINT = 400;
    private static final int OPERATIONS_PER_COMPACTION = 12_000;
    private static final int OPERATIONS_PER_PAUSE = 8;
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(4);
    private static final long EACH_WRITE_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(30);
    private static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long MAX_BYTES = 48L << 20;

    /** How a lane writes. */
    enum Manner {
        /** It makes checkpoints now and then, beside those in the background. */
        CHECKPOINTS,
        /** Each write is durable when it returns. */
        EACH_WRITE,
        /** The canary: its checkpoints force the slot but not the log. */
        FORGETFUL;

        private Options options() {
            Options options =
                    Options.defaults()
                            .withStripes(4)
                            .withMaxBytes(MAX_BYTES)
                            .withCheckpointEvery(Duration.ofMillis(250));
            return this == EACH_WRITE ? options.withDurability(Durability.EACH_WRITE) : options;
        }
    }

    private final CairnStore store;
    private final Ledger ledger;
    private final Diary diary;
    private final int lane;
    private final Manner manner;
    private final SplittableRandom random;

    private PicturedLane(
            CairnStore store, Ledger ledger, Diary diary, int lane, Manner manner, long seed) {
        this.store = store;
        this.ledger = ledger;
        this.diary = diary;
        this.lane = lane;
        this.manner = manner;
        random = new SplittableRandom(seed);
    }

    /**
     * Writes until the ledger says stop, and closes. The operands are the store, directory of the
     * notes, lane, seed and manner.
     */
    static Object run(String[] order) throws IOException {
        Path notes = Path.of(order[2]);
        int lane = Integer.parseInt(order[3]);
        Manner manner = Manner.valueOf(order[5]);
        try (Ledger ledger = Ledger.at(notes.resolve("ledger"));
                Diary diary = Diary.in(notes);
                CairnStore store = Cairn.open(Path.of(order[1]), manner.options())) {
            Kind kind = store.recovery().kind();
            if (kind == Kind.REBUILT) { // the power does not fail in this process's boot
                throw new AssertionError(store.recovery().toString());
            }
            if (manner == Manner.FORGETFUL) {
                Medium.use(PicturedLane::forceWithoutTheLog);
            }
            new PicturedLane(store, ledger, diary, lane, manner, Long.parseLong(order[4])).work();
        }
        return "closed";
    }

    private static void forceWithoutTheLog(MappedFile file, long from, long to) throws IOException {
        boolean shared = file.path().toString().endsWith("-shm");
        if (shared || from > 0) {
            Medium.SYSTEM.force(file, from, to);
        }
    }

    static String key(int lane, int key) {
        return lane + "/" + key;
    }

    private static long mixed(int lane, long operation) {
        return new SplittableRandom(operation << 8 ^ lane).nextLong();
    }

    static int keyOf(int lane, long operation) {
        long mixed = mixed(lane, operation);
        int among = (mixed & 1) == 0 ? HOT_KEYS : KEYS;
        return (int) Long.remainderUnsigned(mixed >>> 1, among);
    }

    static boolean removes(int lane, long operation) {
        boolean shrinking = operation / PHASE % 2 == 1;
        int key = keyOf(lane, operation);
        int among = key < HOT_KEYS ? 40 : shrinking ? 2 : 12;
        return Long.remainderUnsigned(mixed(lane, operation) >>> 12, among) == 0;
    }

    private static int length(int lane, long operation) {
        if (keyOf(lane, operation) < HOT_KEYS) {
            return HOT_BYTES;
        }
        long mixed = mixed(lane, operation) >>> 20;
        int most = Long.remainderUnsigned(mixed, 8) == 0 ? LARGE_BYTES : SMALL_BYTES;
        return (int) Long.remainderUnsigned(mixed >>> 3, most);
    }

    static byte[] value(int lane, long operation) {
        String key = key(lane, keyOf(lane, operation));
        return Values.of(key, lane, operation, length(lane, operation));
    }

    /** The bytes that an operation put, or 0 if it removed. */
    static long bytesOf(int lane, long operation) {
        return removes(lane, operation) ? 0 : length(lane, operation);
    }

    /** The lane whose key an operation looks at before it writes. */
    static int lookedAt(int lane, long operation) {
        return (int) ((lane + 1 + operation % (Diary.LANES - 1)) % Diary.LANES);
    }

    private void work() {
        ledger.set(lane, Figure.STATE, Ledger.WORKING);
        while (goOn()) {
            if (manner != Manner.EACH_WRITE && random.nextInt(OPERATIONS_PER_CHECKPOINT) == 0) {
                checkpoint();
            }
            if (random.nextInt(OPERATIONS_PER_COMPACTION) == 0) {
                long _ = store.compact();
            }
            operation(ledger.returned(lane, 0) + 1);
            if (manner == Manner.EACH_WRITE) {
                LockSupport.parkNanos(random.nextLong(EACH_WRITE_PAUSE_NANOS));
            } else if (random.nextInt(OPERATIONS_PER_PAUSE) == 0) {
                LockSupport.parkNanos(random.nextLong(LONGEST_PAUSE_NANOS));
            }
        }
        ledger.add(lane, Figure.MOVES, store.stats().overwritesInPlace());
    }

    /** Whether to go on. During a pause a lane writes nothing, but makes checkpoints. */
    private boolean goOn() {
        while (ledger.order() == Ledger.PAUSE) {
            ledger.set(lane, Figure.STATE, Ledger.PAUSED);
            checkpoint();
            LockSupport.parkNanos(IDLE_NANOS);
        }
        if (ledger.figure(lane, Figure.STATE) == Ledger.PAUSED) {
            ledger.set(lane, Figure.STATE, Ledger.WORKING);
        }
        return ledger.order() != Ledger.STOP;
    }

    private long[] returned() {
        long[] returned = new long[Diary.LANES];
        Arrays.setAll(returned, each -> ledger.returned(each, 0));
        return returned;
    }

    private long[] begun() {
        long[] begun = new long[Diary.LANES];
        Arrays.setAll(begun, each -> ledger.begun(each, 0));
        return begun;
    }

    private void checkpoint() {
        long[] must = returned();
        long epoch = store.checkpoint();
        diary.note(lane, new Note(epoch, must, begun()));
        ledger.add(lane, Figure.CHECKPOINTS, 1);
    }

    private void operation(long operation) {
        int other = lookedAt(lane, operation);
        String looked = key(other, (int) (operation % HOT_KEYS));
        byte[] found = store.get(bytes(looked));
        diary.begin(lane, operation, found == null ? 0 : Values.whole(looked, found).sequence());
        ledger.begin(lane, 0, operation);
        long[] must = returned();
        write(operation);
        diary.end(lane, operation);
        ledger.acknowledge(lane, 0, operation);
        ledger.add(lane, Figure.OPERATIONS, 1);
        if (manner == Manner.EACH_WRITE) {
            must[lane] = operation;
            diary.note(lane, new Note(Diary.UNKNOWN, must, begun()));
        }
    }

    private void write(long operation) {
        byte[] key = bytes(key(lane, keyOf(lane, operation)));
        while (true) {
            try {
                if (removes(lane, operation)) {
                    store.remove(key);
                } else {
                    store.put(key, value(lane, operation));
                }
                return;
            } catch (StoreFull _) {
                ledger.add(lane, Figure.FULL, 1);
                checkpoint();
            }
        }
    }
}
