package dev.cairn;

import java.time.Duration;

/**
 * What was found and done when a store was opened. Only Cairn implements this interface, so a later
 * version may add figures.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="figures"}
 */
public interface Recovery {
    /** {@return in which way the store was opened} */
    Kind kind();

    /**
     * {@return one sentence for a person about what was found, and why the store was opened in this
     * way}
     */
    String detail();

    /**
     * {@return the epoch of the checkpoint at which the store stood, or to which it was taken back}
     */
    long epoch();

    /** {@return the number of entries in the store when it was open} */
    long entries();

    /**
     * {@return the number of bytes of the log that were read again; 0 unless the store was rebuilt}
     */
    long bytes();

    /** {@return the number of stripes in which a dead process had left something to repair} */
    int repaired();

    /** {@return how long opening took} */
    Duration time();

    /** The ways in which a store can be opened. */
    enum Kind {
        /** The store did not exist. */
        CREATED,
        /** Other processes had the store open. */
        JOINED,
        /** The last process had closed the store. Nothing had to be done, even after a reboot. */
        CLEAN,
        /**
         * The processes of the store had been killed. Nothing was lost, and nothing was rebuilt.
         */
        REPAIRED,
        /**
         * The store was taken back to the last checkpoint, because the shared-memory file was gone
         * or not usable, or because {@link Options#withRollback} asked for it.
         */
        REBUILT,
        /**
         * The store was opened read-only without a usable shared-memory file. It shows a private
         * view of the last checkpoint.
         */
        SNAPSHOT
    }
}
