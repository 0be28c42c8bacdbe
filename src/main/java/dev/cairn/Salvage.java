package dev.cairn;

import java.util.List;

/**
 * What {@link Cairn#salvage} found, copied and could not copy.
 *
 * @param checkpoint epoch of the checkpoint whose entries were looked for; 0 if none could be read,
 *     and the regions were found by their headers alone
 * @param newest whether that is certainly the store's newest checkpoint; if not, every entry is
 *     uncertain
 * @param expected entries that the checkpoint counts, expired ones included
 * @param entries entries written to the target
 * @param uncertain entries of which a newer value, or a removal, may have been among what was lost;
 *     they are among {@code entries}, unless only what is proven was asked for
 * @param lost entries that are known to be lost: their key could be read, their newest value could
 *     not
 * @param lostBytes bytes of the log that belong to no sound record
 * @param lostRegions regions of the log that could not be read at all, or whose header was destroyed
 * @param damages one sentence each, with file and offset; at most {@value #MAX_LISTED}
 * @param lostKeys the keys of lost entries; of records that were destroyed in part the key as it can
 *     be read, which nothing proves; at most {@value #MAX_LISTED}, and {@value #MAX_LISTED_BYTES} bytes
 *     of both lists together
 * @param uncertainKeys the keys of uncertain entries; at most as many, likewise
 */
public record Salvage(
        long checkpoint,
        boolean newest,
        long expected,
        long entries,
        long uncertain,
        long lost,
        long lostBytes,
        long lostRegions,
        List<String> damages,
        List<byte[]> lostKeys,
        List<byte[]> uncertainKeys) {
    public static final int MAX_LISTED = 1000;

    /** So that the keys listed take a bounded part of the heap, however long they are. */
    public static final int MAX_LISTED_BYTES = 1 << 24;

    public Salvage {
        damages = List.copyOf(damages);
        lostKeys = List.copyOf(lostKeys);
        uncertainKeys = List.copyOf(uncertainKeys);
    }

    /** Whether all that the checkpoint held was copied, and is certainly what it held. */
    public boolean complete() {
        return newest && expected == entries && uncertain == 0 && damages.isEmpty();
    }

    /** Is told how far a salvage is. */
    public interface Progress {
        /**
         * An entry was written.
         *
         * @param entries written so far
         * @param expected how many there were, as far as known; 0 if that is not known
         */
        void at(long entries, long expected);
    }
}
