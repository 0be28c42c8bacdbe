package dev.cairn;

import java.util.List;

/**
 * What {@link Cairn#salvage} found, copied and could not copy. Made by Cairn only: a later version may
 * add figures.
 */
public interface Salvage {
    /** The most damages that are listed, and the most keys of each list. */
    int MAX_LISTED = 1000;

    /** So that the keys listed take a bounded part of the heap, however long they are. */
    int MAX_LISTED_BYTES = 1 << 24;

    /**
     * The number of the checkpoint whose entries were looked for. It is 0 if none could be read, and
     * the regions were found by their headers alone.
     */
    long checkpoint();

    /**
     * Whether that is certainly the store's newest checkpoint. If it is not, every entry is uncertain.
     */
    boolean newest();

    /** The number of entries that the checkpoint counts, expired ones included. */
    long expected();

    /** The number of entries that were written to the target. */
    long entries();

    /**
     * The number of entries of which a newer value, or a removal, may have been among what was lost.
     * They are among {@link #entries}, unless only what is proven was asked for.
     */
    long uncertain();

    /**
     * The number of entries that are known to be lost: their key could be read, their newest value
     * could not.
     */
    long lost();

    /** The bytes of the log that belong to no sound record. */
    long lostBytes();

    /**
     * The number of regions of the log that could not be read at all, or whose header was destroyed.
     */
    long lostRegions();

    /** One sentence for each damage, with file and offset; at most {@value #MAX_LISTED}. */
    List<String> damages();

    /**
     * The keys of lost entries. Of records that were destroyed in part it is the key as it can be read,
     * which nothing proves. At most {@value #MAX_LISTED} are listed, and {@value #MAX_LISTED_BYTES}
     * bytes of both lists of keys together.
     */
    List<byte[]> lostKeys();

    /** The keys of uncertain entries; at most as many, likewise. */
    List<byte[]> uncertainKeys();

    /** Whether all that the checkpoint held was copied, and is certainly what it held. */
    default boolean complete() {
        return newest() && expected() == entries() && uncertain() == 0 && damages().isEmpty();
    }

    /** Is told how far a salvage is. */
    interface Progress {
        /**
         * An entry was written.
         *
         * @param entries written so far
         * @param expected how many there were, as far as known; 0 if that is not known
         */
        void at(long entries, long expected);
    }
}
