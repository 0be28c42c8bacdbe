package dev.cairn;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What lies under one name in the system's shared memory, as {@link Cairn#sharedMemoryStores} found it.
 * Made by Cairn only: a later version may add figures.
 */
public interface SharedMemoryStore {
    /** What it is. */
    enum State {
        /** A process has it open, opens it, or makes it just now. */
        USED,
        /** It is whole and nobody has it open. */
        UNUSED,
        /** There is no data file; what lies there was left by processes that died. */
        LEFTOVER,
        /** Its data file is damaged, or this user may not read it; {@link #problem} says why. */
        UNREADABLE
    }

    /** The name, for {@link Cairn#sharedMemory}. */
    String name();

    State state();

    /** The length of all its files in bytes, leftovers included. */
    long bytes();

    /**
     * The number of entries, expired ones included. It is what processes that were killed had counted,
     * if that is how it was left, and empty if no file says it.
     */
    OptionalLong entries();

    /** Empty if the data file says none. */
    Optional<Durability> durability();

    /**
     * The numbers of the processes that have it open, in ascending order, as far as the system shows
     * them to this user: those of other containers have none here.
     */
    List<Long> processes();

    /** Who owns it; empty where the system tells none. */
    Optional<String> owner();

    /**
     * When one of its files changed last, as the file system tells. It counts a write to a page that
     * the process had written before as none.
     */
    Instant changed();

    /**
     * The names of the files that {@link Cairn#removeSharedMemoryLeftovers} would remove: those that
     * were being made by a process that died and, where there is no data file, its companions.
     */
    List<String> leftovers();

    /** Why it cannot be read, in one sentence that names the file; empty if it can. */
    Optional<String> problem();
}
