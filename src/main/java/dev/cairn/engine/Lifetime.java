package dev.cairn.engine;

import dev.cairn.format.RecordLayout;

/**
 * How long an entry lives that is written now.
 *
 * @param expires milliseconds since 1970, 0 never
 * @param isIdle whether reads put that off
 */
record Lifetime(long expires, boolean isIdle) {
    static final Lifetime FOREVER = new Lifetime(0, false);

    /** What a record says of it besides the expiry. */
    int heat() {
        return isIdle ? RecordLayout.IDLE : 0;
    }
}
