package dev.cairn;

import java.time.Duration;

/**
 * What opening a store found and did.
 *
 * @param kind which of the ways it was
 * @param detail one sentence for a person: what was found, and why that way was taken
 * @param epoch the checkpoint the store stood at, or was brought back to
 * @param entries the entries it held once open
 * @param bytes the bytes of log that were read again, 0 unless rebuilt
 * @param repaired the stripes in which a dead process had left something to repair
 * @param time how long opening took
 */
public record Recovery(
        Kind kind,
        String detail,
        long epoch,
        long entries,
        long bytes,
        int repaired,
        Duration time) {

    /** The ways of opening. */
    public enum Kind {
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
