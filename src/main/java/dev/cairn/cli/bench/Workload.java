package dev.cairn.cli.bench;

import dev.cairn.CairnStore;
import dev.cairn.cli.Failure;

import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** One thread's work on the store: it writes, and it checks that it reads what was written. */
final class Workload {
    private static final int PUTS_IN_A_HUNDRED = 5;
    private static final long MIXER = 0x9E37_79B9_7F4A_7C15L;

    private final CairnStore store;
    private final Setting setting;
    private final SplittableRandom random;
    private final byte[] key = new byte[Setting.KEY_BYTES];
    private final byte[] value;
    private final long[] indices = new long[Setting.BATCH];
    private final List<byte[]> batch = new ArrayList<>();

    /** Does something once, and returns how many entries it processed. */
    @FunctionalInterface
    interface Turn {
        int take();
    }

    /**
     * @param seed a different number for each thread; otherwise one thread finds in the cache what
     *     another has read
     */
    Workload(CairnStore store, Setting setting, long seed) {
        this.store = store;
        this.setting = setting;
        random = new SplittableRandom(seed * MIXER);
        value = new byte[setting.valueBytes()];
        random.nextBytes(value);
        for (int i = 0; i < Setting.BATCH; i++) {
            batch.add(new byte[Setting.KEY_BYTES]);
        }
    }

    Turn turn(Operation operation) {
        return switch (operation) {
            case PUT -> this::put;
            case GET -> this::get;
            case GET_ALL -> this::getAll;
            case MIXED -> this::mixed;
        };
    }

    /** A put whose time is recorded. */
    Turn timedPut(Histogram times) {
        return () -> {
            long index = next();
            long start = System.nanoTime();
            put(index);
            times.recordValue(System.nanoTime() - start);
            return 1;
        };
    }

    void put(long index) {
        long _ = store.put(keyOf(index, key), valueOf(index));
    }

    int put() {
        put(next());
        return 1;
    }

    private int get() {
        long index = next();
        requireWritten(index, store.get(keyOf(index, key)));
        return 1;
    }

    private int getAll() {
        for (int i = 0; i < Setting.BATCH; i++) {
            indices[i] = next();
            byte[] _ = keyOf(indices[i], batch.get(i));
        }
        List<byte @Nullable []> values = store.getAll(batch);
        for (int i = 0; i < Setting.BATCH; i++) {
            requireWritten(indices[i], values.get(i));
        }
        return Setting.BATCH;
    }

    private int mixed() {
        return random.nextInt(100) < PUTS_IN_A_HUNDRED ? put() : get();
    }

    private long next() {
        return random.nextLong(setting.entries());
    }

    private static byte[] keyOf(long index, byte[] target) {
        ByteBuffer bytes = ByteBuffer.wrap(target);
        bytes.putLong(0, index * MIXER);
        bytes.putLong(Long.BYTES, index);
        return target;
    }

    private byte[] valueOf(long index) {
        if (value.length >= Long.BYTES) {
            ByteBuffer.wrap(value).putLong(0, index);
        }
        return value;
    }

    private void requireWritten(long index, byte @Nullable [] found) {
        boolean written =
                found != null
                        && found.length == setting.valueBytes()
                        && (found.length < Long.BYTES
                                || ByteBuffer.wrap(found).getLong(0) == index);
        if (!written) {
            throw new Failure(
                    "bench: a value is not what was written to the temporary store; please report it");
        }
    }
}
