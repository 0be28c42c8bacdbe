package dev.cairn.engine;

import dev.cairn.format.RecordLayout;

/**
 * The lifetime of an entry that is written now.
 *
 * @param expires milliseconds since 1970, 0 for never
 * @param isIdle whether reads postpone the expiry
 */
record Lifetime(long expires, boolean isIdle) {
    static final Lifetime FOREVER = new Lifetime(0, false);

    /** The bits about it in a record's byte of heat. */
    int heat() {
        return isIdle ? RecordLayout.IDLE : 0;
    }
}
