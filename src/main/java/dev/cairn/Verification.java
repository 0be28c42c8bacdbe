package dev.cairn;

import java.util.List;

/**
 * What {@link CairnStore#verify()} found.
 *
 * @param entries live entries seen
 * @param records records whose checksum was compared, dead ones included
 * @param bytes bytes of log read
 * @param damages one sentence each, with file and offset; at most {@value #MAX_DAMAGES}
 */
public record Verification(long entries, long records, long bytes, List<String> damages) {
    public static final int MAX_DAMAGES = 100;

    public Verification {
        damages = List.copyOf(damages);
    }

    public boolean sound() {
        return damages.isEmpty();
    }
}
