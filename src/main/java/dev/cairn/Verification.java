package dev.cairn;

import java.util.List;

/**
 * What {@link CairnStore#verify()} found. Made by Cairn only: a later version may add figures.
 */
public interface Verification {
    /** The most damages that are listed. */
    int MAX_DAMAGES = 100;

    /** The number of live entries that were seen. */
    long entries();

    /** The number of records whose checksum was compared, dead ones included. */
    long records();

    /** The bytes of log that were read. */
    long bytes();

    /** One sentence for each damage, with file and offset; at most {@value #MAX_DAMAGES}. */
    List<String> damages();

    /** Whether no damage was found. */
    default boolean sound() {
        return damages().isEmpty();
    }
}
