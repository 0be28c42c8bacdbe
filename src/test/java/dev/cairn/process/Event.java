package dev.cairn.process;

/**
 * One operation on one key, as the process that asked for it saw it.
 *
 * @param lane the lane that did it
 * @param operation what was asked for
 * @param key the number of the key
 * @param id the id of the value to be written; for {@link Operation#MERGE} the number to be added
 * @param version the version that was asked for
 * @param called when it was begun, in nanoseconds of the host's clock
 * @param returned when it came back; {@link #NEVER} if its process died before
 * @param found the id of the value that was read, 0 if the key was absent
 * @param result the version that was returned, 0 if there was none
 */
record Event(
        int lane,
        Operation operation,
        int key,
        long id,
        long version,
        long called,
        long returned,
        long found,
        long result) {
    static final long NEVER = Long.MAX_VALUE;

    /** What can be asked for. */
    enum Operation {
        GET,
        GET_VERSIONED,
        PUT,
        PUT_IF_ABSENT,
        REPLACE,
        REMOVE,
        REMOVE_VERSION,
        MERGE
    }

    boolean isPending() {
        return returned == NEVER;
    }
}
