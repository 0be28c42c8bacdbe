package dev.cairn;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The files under one name in the system's shared memory, as {@link Cairn#sharedMemoryStores} found
 * them. Only Cairn implements this interface, so a later version may add figures.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="sharedMemoryStores"}
 */
public interface SharedMemoryStore {
    /** The condition of the files under one name. */
    enum State {
        /** A process has the store open, or is opening or creating it. */
        USED,
        /** The store is complete, and no process has it open. */
        UNUSED,
        /** There is no data file; the other files were left by processes that died. */
        LEFTOVER,
        /** The data file is damaged, or this user may not read it; {@link #problem} says why. */
        UNREADABLE
    }

    /** {@return the name, for {@link Cairn#sharedMemory}} */
    String name();

    /** {@return the condition of the files} */
    State state();

    /** {@return the total length of all its files in bytes, including leftovers} */
    long bytes();

    /**
     * {@return the number of entries, including expired ones} If the processes of the store were
     * killed, it is what they had counted. It is empty if no file tells the number.
     */
    OptionalLong entries();

    /** {@return the durability of the store; empty if the data file does not tell it} */
    Optional<Durability> durability();

    /**
     * {@return the process IDs of the processes that have the store open, in ascending order} A
     * process that the system does not show to this user, such as a process in another container,
     * is missing.
     */
    List<Long> processes();

    /** {@return the owner of the files; empty if the system does not tell it} */
    Optional<String> owner();

    /**
     * {@return when one of the files last changed, as the file system tells it} The file system
     * does not count a write to a mapped page that the same process had written before.
     */
    Instant changed();

    /**
     * {@return the names of the files that {@link Cairn#removeSharedMemoryLeftovers} would remove}
     * These are files that a process was creating when it died and, if there is no data file, the
     * {@code -shm} and {@code -lock} files.
     */
    List<String> leftovers();

    /**
     * {@return why the store cannot be read, as one sentence that names the file; empty if it can
     * be read}
     */
    Optional<String> problem();
}
