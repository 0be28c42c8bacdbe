package dev.cairn.format;

/**
 * A record of the log.
 *
 * <pre>
 *  0        8     12   13    14  15  16          20             24
 *  +--------+-----+----+-----+---+---+-----------+--------------+--------+-----------+-----+-------+
 *  |version | CRC |kind|flags| n | h |key length |value length  |expiry? |run (24)?  | key?|value? | 0..
 *  +--------+-----+----+-----+---+---+-----------+--------------+--------+-----------+-----+-------+
 * </pre>
 *
 * Padded with zeros to 16 bytes; n is how often the record was overwritten where it lies (RULE 31), h
 * its heat, which a cache goes by:
 *
 * <pre>
 *   |  7  0  |  6  idle  |  5  epoch of aging, modulo 4  4  |  3  frequency, 0 to 15  0  |
 * </pre>
 *
 * Reads put the expiry off of an entry that is idle: it has not been read for a while when it comes. A
 * key or a value that does not fit lies in a run: key then value, one behind the other, from the run
 * header's end.
 */
public final class RecordLayout {
    public static final int VERSION = 0;
    public static final int CRC = 8;
    public static final int KIND = 12;
    public static final int FLAGS = 13;
    public static final int OVERWRITES = 14;
    public static final int HEAT = 15;
    public static final int KEY_LENGTH = 16;
    public static final int VALUE_LENGTH = 20;
    public static final int HEADER_BYTES = 24;
    public static final int EXPIRY_BYTES = 8;

    public static final int RUN_WORD = 0;
    public static final int RUN_NUMBER = 8;
    public static final int RUN_CRC = 16;
    public static final int RUN_KEY_CRC = 20;
    public static final int RUN_BYTES = 24;

    public static final int PUT = 1;
    public static final int TOMBSTONE = 2;
    public static final int FILLER = 3;

    /** A copy that cleaning made; its version is the original's. */
    public static final int MOVED = 1;

    public static final int EXPIRES = 2;
    public static final int VALUE_IN_RUN = 4;
    public static final int KEY_IN_RUN = 8;
    private static final int ALL_FLAGS = MOVED | EXPIRES | VALUE_IN_RUN | KEY_IN_RUN;

    /** In the byte of heat: reads put the expiry off. */
    public static final int IDLE = 64;

    public static final int MOST_HEAT = 127;
    private static final int MOST_OVERWRITES = SlotWord.overwrites(SlotWord.MOST);

    /** Least space a record takes; what is left of a region below it holds nothing. */
    public static final int MIN_BYTES = 32;

    /** What the checksum covers before the record: see {@link #identity}. */
    public static final int IDENTITY_BYTES = 40;

    private RecordLayout() {}

    /** Bytes between the header and the first of key and value. */
    public static int extensionBytes(int flags) {
        return ((flags & EXPIRES) != 0 ? EXPIRY_BYTES : 0)
                + ((flags & (VALUE_IN_RUN | KEY_IN_RUN)) != 0 ? RUN_BYTES : 0);
    }

    /** Bytes of the record in its region, padding included. */
    public static long bytes(int flags, long keyLength, long valueLength) {
        long inline =
                ((flags & KEY_IN_RUN) != 0 ? 0 : keyLength)
                        + ((flags & VALUE_IN_RUN) != 0 ? 0 : valueLength);
        return Words.roundUp(HEADER_BYTES + extensionBytes(flags) + inline, Place.UNIT_BYTES);
    }

    /** Bytes of key and value that lie in the run. */
    public static long runContentBytes(int flags, long keyLength, long valueLength) {
        return ((flags & KEY_IN_RUN) != 0 ? keyLength : 0)
                + ((flags & VALUE_IN_RUN) != 0 ? valueLength : 0);
    }

    /** Regions of the run that has so many bytes of key and value. */
    public static int runRegions(long contentBytes, int regionBytes) {
        return (int) ((RegionHeader.BYTES + contentBytes + regionBytes - 1) / regionBytes);
    }

    /** Where in a record its reference to a run stands. */
    public static int runAt(int flags) {
        return HEADER_BYTES + ((flags & EXPIRES) != 0 ? EXPIRY_BYTES : 0);
    }

    /** Bytes 8 to 15 as one word. */
    public static long control(int kind, int flags) {
        return (long) kind << 32 | (long) flags << 40;
    }

    /**
     * The same of a record that was overwritten so often.
     *
     * @param heat the byte {@link #HEAT}
     */
    public static long control(int kind, int flags, int overwrites, int heat) {
        return control(kind, flags) | (long) overwrites << 48 | (long) heat << 56;
    }

    public static int kind(long control) {
        return (int) (control >>> 32) & 0xFF;
    }

    public static int flags(long control) {
        return (int) (control >>> 40) & 0xFF;
    }

    /** How often the record was overwritten where it lies. */
    public static int overwrites(long control) {
        return (int) (control >>> 48) & 0xFF;
    }

    /** The byte {@link #HEAT}. */
    public static int heat(long control) {
        return (int) (control >>> 56);
    }

    /** Bytes 16 to 23 as one word. */
    public static long lengths(int keyLength, int valueLength) {
        return keyLength | (long) valueLength << 32;
    }

    public static int keyLength(long lengths) {
        return (int) lengths;
    }

    public static int valueLength(long lengths) {
        return (int) (lengths >>> 32);
    }

    /** Whether kind, flags and lengths can be a record's that Cairn wrote. */
    public static boolean plausible(long control, long lengths) {
        int kind = kind(control);
        int flags = flags(control);
        return heat(control) <= MOST_HEAT
                && overwrites(control) <= MOST_OVERWRITES
                && kind >= PUT
                && kind <= FILLER
                && (flags & ~ALL_FLAGS) == 0
                && keyLength(lengths) >= 0
                && valueLength(lengths) >= 0;
    }

    /**
     * Writes the bytes that bind a checksum to store, stripe, region life and place (RULE 2), so
     * that neither a record of the region's former life nor planted bytes ever pass.
     *
     * @param bytes whose first {@link #IDENTITY_BYTES} are written
     * @param offset of the record in the file
     */
    public static void identity(
            byte[] bytes, java.util.UUID storeId, int stripe, long number, long offset) {
        Checksum.putId(bytes, 0, storeId);
        Words.setPlain(bytes, 16, stripe);
        Words.setPlain(bytes, 24, number);
        Words.setPlain(bytes, 32, offset);
    }
}
