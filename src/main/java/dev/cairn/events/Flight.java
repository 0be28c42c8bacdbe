package dev.cairn.events;

import org.jspecify.annotations.Nullable;

/**
 * The events for the flight recorder; this class is loaded only if the recorder is there. It keeps
 * one event of each kind, which tells whether that kind is recorded; if it is not, no event is
 * made.
 */
final class Flight {
    private static final CheckpointEvent CHECKPOINT = new CheckpointEvent();
    private static final LockWaitEvent LOCK_WAIT = new LockWaitEvent();
    private static final TakeoverEvent TAKEOVER = new TakeoverEvent();
    private static final GrowEvent GROW = new GrowEvent();
    private static final CleanEvent CLEAN = new CleanEvent();
    private static final RecoveryEvent RECOVERY = new RecoveryEvent();

    private Flight() {}

    /** Loads and initializes the classes. */
    static boolean load() {
        return true;
    }

    static @Nullable Recording<Events.Checkpoint> checkpoint() {
        return CHECKPOINT.isEnabled() ? new CheckpointEvent().begun() : null;
    }

    static @Nullable Recording<Events.LockWait> lockWait() {
        return LOCK_WAIT.isEnabled() ? new LockWaitEvent().begun() : null;
    }

    static @Nullable Recording<Events.Takeover> takeover() {
        return TAKEOVER.isEnabled() ? new TakeoverEvent().begun() : null;
    }

    static @Nullable Recording<Events.Grow> grow() {
        return GROW.isEnabled() ? new GrowEvent().begun() : null;
    }

    static @Nullable Recording<Events.Clean> clean() {
        return CLEAN.isEnabled() ? new CleanEvent().begun() : null;
    }

    static @Nullable Recording<Events.Recovery> recovery() {
        return RECOVERY.isEnabled() ? new RecoveryEvent().begun() : null;
    }
}
