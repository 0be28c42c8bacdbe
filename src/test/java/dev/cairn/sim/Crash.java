package dev.cairn.sim;

import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Random;

/**
 * A loss of power: what is on disk, and what the store must be when it is opened on that.
 *
 * @param data the data file, null if it does not exist
 * @param shared the shared-memory file, null if it does not exist
 * @param points the states that the store may be in; none if a judge of its own decides
 * @param lastVersion the greatest version that anybody was told
 * @param where the step, the number of the step, and what arrived
 * @param seed the seed of what is done to the store afterwards
 */
record Crash(
        @Nullable Image data,
        @Nullable Image shared,
        List<Point> points,
        long lastVersion,
        String where,
        long seed) {
    Random random() {
        return new Random(seed);
    }

    /** Whether the other crash has nothing new to show. */
    boolean isSame(Crash other) {
        return points.equals(other.points)
                && (data == null || other.data == null
                        ? data == null && other.data == null
                        : data.isSame(other.data))
                && isSameShared(other);
    }

    /** If neither file is marked clean, only what stands in the first words counts. */
    private boolean isSameShared(Crash other) {
        if (shared == null || other.shared == null) {
            return shared == null && other.shared == null;
        }
        if (isClean() || other.isClean()) {
            return shared.isSame(other.shared);
        }
        return word(shared, SharedLayout.MAGIC) == word(other.shared, SharedLayout.MAGIC)
                && word(shared, SharedLayout.READY) == word(other.shared, SharedLayout.READY);
    }

    /** Whether the shared-memory file says that the store was closed. */
    boolean isClean() {
        return shared != null && word(shared, SharedLayout.CLEAN) == 1;
    }

    private static long word(Image image, int at) {
        return image.length() == 0 ? 0 : Words.plain(image.pages()[0], at);
    }
}
