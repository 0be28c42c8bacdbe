package dev.cairn;

import java.time.Duration;

/** What opening a store found and did. Made by Cairn only: a later version may add figures. */
public interface Recovery {
    /** Which of the ways of opening it was. */
    Kind kind();

    /** One sentence for a person: what was found, and why that way was taken. */
    String detail();

    /** The number of the checkpoint that the store stood at, or was brought back to. */
    long epoch();

    /** The number of entries that the store held once it was open. */
    long entries();

    /** The bytes of log that were read again, 0 unless the store was rebuilt. */
    long bytes();

    /** The number of stripes in which a dead process had left something to repair. */
    int repaired();

    /** How long opening took. */
    Duration time();

    /** The ways of opening. */
    enum Kind {
        /** The store did not exist. */
        CREATED,
        /** Other processes had it open. */
        JOINED,
        /** It had been closed by its last process; nothing was to be done, also after a reboot. */
        CLEAN,
        /** Its processes had been killed; nothing was lost and nothing rebuilt. */
        REPAIRED,
        /** The shared-memory file was gone or not usable: brought back to the last checkpoint. */
        REBUILT,
        /** Read-only, without a usable shared-memory file: a private view of the last checkpoint. */
        SNAPSHOT
    }
}
