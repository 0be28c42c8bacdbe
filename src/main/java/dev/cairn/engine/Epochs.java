package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.format.SharedLayout;

import java.nio.file.Path;
import java.util.function.LongUnaryOperator;

/** The epochs of checkpoints in shared memory, as an opener finds them. */
final class Epochs {
    private static final long[] FIELDS = {
        SharedLayout.DURABLE, SharedLayout.ATTEMPT, SharedLayout.FAILED
    };

    private Epochs() {}

    /*
     * Other processes may make a checkpoint between any two of these loads. When one of these epochs is stored,
     * the epoch of the next checkpoint is greater already, and that one never falls: so it is loaded last.
     */
    /**
     * Requires that the words which decide about the reuse of regions, and about refusing writes,
     * have possible values.
     *
     * @param load loads a word at an offset of the shared memory, with acquire semantics
     * @throws CorruptStore if one has not
     */
    static void requirePlausible(Path shared, LongUnaryOperator load) {
        long[] found = new long[FIELDS.length];
        for (int i = 0; i < found.length; i++) {
            found[i] = load.applyAsLong(FIELDS[i]);
        }
        long epoch = load.applyAsLong(SharedLayout.EPOCH);
        for (int i = 0; i < found.length; i++) {
            if (found[i] < 0 || found[i] >= epoch) {
                throw new CorruptStore(
                        shared,
                        FIELDS[i],
                        "an epoch before " + epoch + ", the epoch of the next checkpoint",
                        Long.toString(found[i]));
            }
        }
    }
}
