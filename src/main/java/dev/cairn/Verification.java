package dev.cairn;

import java.util.List;

/**
 * What {@link CairnStore#verify()} found. Only Cairn implements this interface, so a later version
 * may add figures.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="figures"}
 */
public interface Verification {
    /** The greatest number of damages that are listed. */
    int MAX_DAMAGES = 100;

    /** {@return the number of live entries that were checked} */
    long entries();

    /** {@return the number of records whose checksum was compared, including dead ones} */
    long records();

    /** {@return the number of bytes of the log that were read} */
    long bytes();

    /**
     * {@return one sentence for each damage, with file and offset; at most {@value #MAX_DAMAGES}}
     */
    List<String> damages();

    /**
     * {@return the number of stripes whose log was read, but not compared with its index and its
     * counts} There may be some if this process may only read, and others never paused long enough,
     * or a process was killed in a write that nobody has finished yet.
     */
    default int uncomparedStripes() {
        return 0;
    }

    /** {@return whether no damage was found} */
    default boolean sound() {
        return damages().isEmpty();
    }
}
