package dev.cairn.log;

import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;

import org.jspecify.annotations.Nullable;

/**
 * A record to be written, without its version and its place.
 *
 * @param kind put or tombstone
 * @param flags the flags of {@link RecordLayout}
 * @param value empty for a tombstone
 * @param expires milliseconds since 1970, 0 for never
 * @param heat what a cache knows about its use: see {@link RecordLayout}
 */
public record Draft(int kind, int flags, byte[] key, byte[] value, long expires, int heat) {
    private static final byte[] NOTHING = {};

    /** A key up to this fraction of a region lies in the record itself, where lookups find it. */
    private static final int KEY_SHARE = 4;

    /**
     * Decides what lies in the record and what in a run.
     *
     * @param value null for a tombstone
     */
    public static Draft of(byte[] key, byte @Nullable [] value, long expires, int regionBytes) {
        int kind = value == null ? RecordLayout.TOMBSTONE : RecordLayout.PUT;
        byte[] content = value == null ? NOTHING : value;
        int flags = expires == 0 ? 0 : RecordLayout.EXPIRES;
        int room = regionBytes - RegionHeader.BYTES;
        if (key.length > room / KEY_SHARE) {
            flags |= RecordLayout.KEY_IN_RUN;
        }
        if (RecordLayout.bytes(flags, key.length, content.length) > room) {
            flags |= RecordLayout.VALUE_IN_RUN;
        }
        return new Draft(kind, flags, key, content, expires, 0);
    }

    /** The same draft with another heat. */
    public Draft withHeat(int other) {
        return other == heat ? this : new Draft(kind, flags, key, value, expires, other);
    }

    /** The number of bytes in the chain's region. */
    public int bytes() {
        return (int) RecordLayout.bytes(flags, key.length, value.length);
    }

    /** Whether key and value lie in the record itself. */
    private boolean isInline() {
        return (flags & (RecordLayout.KEY_IN_RUN | RecordLayout.VALUE_IN_RUN)) == 0;
    }

    /** Whether it is a put without a run. */
    public boolean isInlinePut() {
        return kind == RecordLayout.PUT && isInline();
    }

    /** The number of regions of its run, 0 if it needs none. */
    public int runRegions(int regionBytes) {
        return isInline() ? 0 : RecordLayout.runRegions(runContentBytes(), regionBytes);
    }

    /** The bytes of key and value that lie in its run. */
    long runContentBytes() {
        return RecordLayout.runContentBytes(flags, key.length, value.length);
    }

    /** The bytes that the entry takes while it lives, including its run. */
    public long liveBytes(int regionBytes) {
        return bytes() + (long) runRegions(regionBytes) * regionBytes;
    }
}
