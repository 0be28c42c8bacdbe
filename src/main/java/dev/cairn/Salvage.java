package dev.cairn;

import java.util.List;

/**
 * What {@link Cairn#salvage} found, copied and could not copy. Only Cairn implements this
 * interface, so a later version may add figures.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="salvage"}
 */
public interface Salvage {
    /** The greatest number of damages that are listed, and of keys in each list. */
    int MAX_LISTED = 1000;

    /**
     * The greatest number of bytes that the listed keys take, so that they take a bounded part of
     * the heap however long they are.
     */
    int MAX_LISTED_BYTES = 1 << 24;

    /**
     * {@return the epoch of the checkpoint whose entries were copied} It is 0 if no checkpoint
     * could be read, and the regions were found by their headers alone.
     */
    long checkpoint();

    /**
     * {@return whether this is certainly the newest checkpoint of the store} If it is not, every
     * entry is uncertain.
     */
    boolean newest();

    /** {@return the number of entries that the checkpoint counts, including expired ones} */
    long expected();

    /** {@return the number of entries that were written to the target} */
    long entries();

    /**
     * {@return the number of entries of which a newer value, or a removal, may be among the lost
     * records} They are included in {@link #entries}, unless only proven entries were asked for.
     */
    long uncertain();

    /**
     * {@return the number of entries that are known to be lost: their key could be read, but their
     * newest value could not}
     */
    long lost();

    /** {@return the number of bytes of the log that belong to no sound record} */
    long lostBytes();

    /**
     * {@return the number of regions of the log that could not be read at all, or whose header was
     * destroyed}
     */
    long lostRegions();

    /**
     * {@return one sentence for each damage, with file and offset; at most {@value #MAX_LISTED}}
     */
    List<String> damages();

    /**
     * {@return the keys of lost entries} The key of a partly destroyed record is listed as it can
     * be read, without proof that it is right. At most {@value #MAX_LISTED} keys are listed, and at
     * most {@value #MAX_LISTED_BYTES} bytes of both lists of keys together.
     */
    List<byte[]> lostKeys();

    /** {@return the keys of uncertain entries, within the same limits as {@link #lostKeys}} */
    List<byte[]> uncertainKeys();

    /** {@return whether everything that the checkpoint held was copied, and is certainly right} */
    default boolean complete() {
        return newest() && expected() == entries() && uncertain() == 0 && damages().isEmpty();
    }

    /** Gets the progress of a salvage. */
    interface Progress {
        /**
         * Is called after an entry was written.
         *
         * @param entries the number of entries written so far
         * @param expected the number of entries in the source; 0 if it is not known
         */
        void at(long entries, long expected);
    }
}
