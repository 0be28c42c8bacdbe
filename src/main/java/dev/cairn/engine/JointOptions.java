package dev.cairn.engine;

import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.format.DataHeader;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;

/**
 * The options that count if a store is opened several times in a process, since all handles share
 * one engine.
 *
 * <p>Each bound is the smallest, each wait the longest, and each interval between checkpoints the
 * shortest that any handle asked for. What no checkpoint holds is dropped only if every handle asks
 * for that. So no handle's data is less safe than it asked for. This lasts until the last handle is
 * closed: what was written through a handle that is closed by now has the same right.
 */
final class JointOptions {
    private JointOptions() {}

    static Options of(Options open, Options more) {
        Options joint = open;
        if (more.maxBytes() != 0 && (open.maxBytes() == 0 || more.maxBytes() < open.maxBytes())) {
            joint = joint.withMaxBytes(more.maxBytes());
        }
        Duration period = more.checkpointEvery();
        if (period != null && isOftener(period, open.checkpointEvery())) {
            joint = joint.withCheckpointEvery(period);
        }
        if (joint.rollback() && !more.rollback()) {
            joint = joint.withManualCheckpoints();
        }
        if (more.lockTimeout().compareTo(open.lockTimeout()) > 0) {
            joint = joint.withLockTimeout(more.lockTimeout());
        }
        Duration spinning = more.spinning();
        if (spinning != null && isLonger(spinning, open.spinning())) {
            joint = joint.withSpinning(spinning);
        }
        return joint;
    }

    private static boolean isLonger(Duration more, @Nullable Duration open) {
        return open == null || more.compareTo(open) > 0;
    }

    private static boolean isOftener(Duration more, @Nullable Duration open) {
        return open == null || more.compareTo(open) < 0;
    }

    /**
     * Refuses options that a file does not allow.
     *
     * @throws IllegalArgumentException if the bound is too small for that many stripes, if writes
     *     are to be durable in a store that never is, or if entries are to be evicted or to expire
     *     in a store that is not a cache
     */
    static void require(Path file, DataHeader header, Options options) {
        long least = header.regionAt(2L * header.stripes() + 2);
        if (!header.cache().evicts() && options.maxBytes() != 0 && options.maxBytes() < least) {
            throw new IllegalArgumentException(
                    "%s: maxBytes is %d; with %d stripes it must be %d at least"
                            .formatted(file, options.maxBytes(), header.stripes(), least));
        }
        if (options.durability() == Durability.EACH_WRITE
                && header.durability() == Durability.NONE) {
            throw new IllegalArgumentException(
                    "%s: durability EACH_WRITE was asked for, but the file was created with NONE"
                            .formatted(file));
        }
        if (options.eviction() && !header.cache().evicts()) {
            throw new IllegalArgumentException(
                    "%s: eviction was asked for, but the file was created without it"
                            .formatted(file));
        }
        if (options.expireAfterAccess() != null && header.cache().idleMillis() == 0) {
            throw new IllegalArgumentException(
                    "%s: expireAfterAccess was asked for, but the file was created without it"
                            .formatted(file));
        }
    }
}
