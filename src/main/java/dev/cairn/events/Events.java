package dev.cairn.events;

import jdk.jfr.FlightRecorder;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/*
 * Actors    threads that wait for a lock, take one over, make a checkpoint, extend a file, clean or open.
 * Why it is safe
 *           The module jdk.jfr may be absent. Only Flight, Recorder and the event classes name its types; no
 *           class is loaded before code that needs it runs, and that code runs only if the module is there.
 *           If a class were first loaded when no stack is left, it would be unusable for ever, and a lock with
 *           it. Hence all classes are loaded at places that hold no lock (see load), and no event is begun
 *           before that.
 *           The flag that says so is stored once all classes are initialized, and never taken back.
 * What is benign
 *           Events are recorded under locks, a stripe's too: the recorder only copies some words into a
 *           buffer of the thread. It waits for nobody, and drops what it has no room for.
 */
/**
 * Cairn's events for the flight recorder. A method returns null if its event is not recorded: then
 * no clock is read and nothing allocated, and the caller reports nothing.
 */
public final class Events {
    /** An area of {@link Grow}: the data file. */
    public static final String DATA = "data";

    /** An area of {@link Grow}: the table of a stripe. */
    public static final String INDEX = "index";

    /** An area of {@link Grow}: the shared-memory file. */
    public static final String SHARED_MEMORY = "shared-memory";

    /** Stands for the number of a stripe if an event concerns none, or all. */
    public static final int NO_STRIPE = -1;

    /** Stands for a process ID that is not known. */
    public static final long NO_PID = 0;

    /** Whether this JVM has a flight recorder. */
    private static final boolean PRESENT =
            ModuleLayer.boot()
                    .findModule("jdk.jfr")
                    .filter(Events.class.getModule()::canRead)
                    .isPresent();

    private static volatile boolean loaded;

    private Events() {}

    /**
     * Loads all classes that recording needs, once anybody has asked this JVM for its flight
     * recorder. Not before: the first event class makes the recorder describe every event of the
     * JVM, which takes a quarter of the time in which a new JVM opens its first store. Called when
     * a store is opened and by maintenance threads, since the recorder may be asked for at any
     * time.
     *
     * @return whether events can be recorded in this JVM from now on
     */
    public static boolean load() {
        if (!loaded && PRESENT && Recorder.isInitialized()) {
            loaded = Flight.load();
        }
        return loaded;
    }

    /** A class of its own, as its method names a type that may be absent. */
    private static final class Recorder {
        static boolean isInitialized() {
            return FlightRecorder.isInitialized();
        }
    }

    /**
     * A checkpoint that this process made, or failed to make.
     *
     * @param epoch its epoch; 0 if it failed before the cut
     * @param bytes the bytes of the data file that were forced, whether they had changed or not
     * @param claimed how many regions the logs took since the checkpoint before
     * @param cutNanos the longest time for which one of its attempts to cut held writers up
     * @param cuts the number of attempts to cut; 0 if nobody wrote meanwhile
     * @param forceNanos how long the forces took
     * @param failure the reason for the failure, null if it succeeded
     */
    public record Checkpoint(
            Path file,
            long epoch,
            long bytes,
            long claimed,
            long cutNanos,
            int cuts,
            long forceNanos,
            @Nullable Throwable failure) {}

    /** Begins to record a checkpoint. */
    public static @Nullable Recording<Checkpoint> checkpoint() {
        return loaded ? Flight.checkpoint() : null;
    }

    /**
     * A wait for a lock that another thread or process had.
     *
     * @param lock its name in messages
     * @param holder the process that had it last
     * @param thread the thread that had it when the wait began, if it was one of this process
     * @param taken whether the wait ended with the lock
     */
    public record LockWait(
            Path file,
            String lock,
            int stripe,
            long holder,
            @Nullable Thread thread,
            boolean taken) {}

    /** Begins to record a wait. */
    public static @Nullable Recording<LockWait> lockWait() {
        return loaded ? Flight.lockWait() : null;
    }

    /**
     * A takeover of a lock from a dead process, or of one that an error left.
     *
     * @param holder the process that had it
     * @param left who left it, for a person
     * @param repaired whether a write had to be completed or undone
     */
    public record Takeover(
            Path file, String lock, int stripe, long holder, String left, boolean repaired) {}

    /** Begins to record a takeover. */
    public static @Nullable Recording<Takeover> takeover() {
        return loaded ? Flight.takeover() : null;
    }

    /**
     * A file was extended, or a stripe's table rebuilt.
     *
     * @param area {@link #DATA}, {@link #INDEX} or {@link #SHARED_MEMORY}
     */
    public record Grow(Path file, String area, int stripe, long before, long after) {}

    /** Begins to record growth. */
    public static @Nullable Recording<Grow> grow() {
        return loaded ? Flight.grow() : null;
    }

    /**
     * The oldest region of a stripe left its log.
     *
     * @param region its allocation number
     * @param moved the bytes of records that were copied to the log's end
     * @param freed the bytes of the region
     * @param dropped the number of entries that went with it, expired or evicted
     * @param garbage the bytes of the stripe's log that are still dead
     */
    public record Clean(
            Path file,
            int stripe,
            long region,
            long moved,
            long freed,
            int dropped,
            long garbage) {}

    /** Begins to record cleaning. */
    public static @Nullable Recording<Clean> clean() {
        return loaded ? Flight.clean() : null;
    }

    /**
     * A store was opened that had not been closed completely.
     *
     * @param repaired the number of stripes in which a dead process had left something
     */
    public record Recovery(
            Path file,
            String kind,
            String detail,
            long epoch,
            long entries,
            long bytes,
            int repaired) {}

    /** Begins to record an opening. */
    public static @Nullable Recording<Recovery> recovery() {
        return loaded ? Flight.recovery() : null;
    }
}
