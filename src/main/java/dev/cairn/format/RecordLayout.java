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
 * A record is padded with zeros to a multiple of 16 bytes. The byte n counts how many times the
 * record was overwritten in place (RULE 31); h is its heat, which a cache uses:
 *
 * <pre>
 *   |  7  0  |  6  idle  |  5  epoch of aging, modulo 4  4  |  3  frequency, 0 to 15  0  |
 * </pre>
 *
 * If an entry is idle, reads postpone its expiry: it then means that the entry was not read for a
 * while. A key or a value that does not fit lies in a run: first the key, then the value, directly
 * after the run header.
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

    /** The record is a copy that cleaning made; its version is that of the original. */
    public static final int MOVED = 1;

    public static final int EXPIRES = 2;
    public static final int VALUE_IN_RUN = 4;
    public static final int KEY_IN_RUN = 8;
    private static final int ALL_FLAGS = MOVED | EXPIRES | VALUE_IN_RUN | KEY_IN_RUN;

    /** A bit of the byte of heat: reads postpone the expiry. */
    public static final int IDLE = 64;

    public static final int MOST_HEAT = 127;
    private static final int MOST_OVERWRITES = SlotWord.overwrites(SlotWord.MOST);

    /** The least space that a record takes. If less is left of a region, nothing lies there. */
    public static final int MIN_BYTES = 32;

    /** The number of bytes that the checksum covers before the record: see {@link #identity}. */
    public static final int IDENTITY_BYTES = 40;

    private RecordLayout() {}

    /** The number of bytes between the header and the first of key and value. */
    public static int extensionBytes(int flags) {
        return ((flags & EXPIRES) != 0 ? EXPIRY_BYTES : 0)
                + ((flags & (VALUE_IN_RUN | KEY_IN_RUN)) != 0 ? RUN_BYTES : 0);
    }

    /** The number of bytes of the record in its region, including padding. */
    public static long bytes(int flags, long keyLength, long valueLength) {
        long inline =
                ((flags & KEY_IN_RUN) != 0 ? 0 : keyLength)
                        + ((flags & VALUE_IN_RUN) != 0 ? 0 : valueLength);
        return Words.roundUp(HEADER_BYTES + extensionBytes(flags) + inline, Place.UNIT_BYTES);
    }

    /** The number of bytes of key and value that lie in the run. */
    public static long runContentBytes(int flags, long keyLength, long valueLength) {
        return ((flags & KEY_IN_RUN) != 0 ? keyLength : 0)
                + ((flags & VALUE_IN_RUN) != 0 ? valueLength : 0);
    }

    /** The number of regions of a run with that many bytes of key and value. */
    public static int runRegions(long contentBytes, int regionBytes) {
        return (int) ((RegionHeader.BYTES + contentBytes + regionBytes - 1) / regionBytes);
    }

    /** The offset in a record of its reference to a run. */
    public static int runAt(int flags) {
        return HEADER_BYTES + ((flags & EXPIRES) != 0 ? EXPIRY_BYTES : 0);
    }

    /** Bytes 8 to 15 of a record as one word. */
    public static long control(int kind, int flags) {
        return (long) kind << 32 | (long) flags << 40;
    }

    /**
     * Bytes 8 to 15 of a record that was overwritten {@code overwrites} times.
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

    /** How many times the record was overwritten in place. */
    public static int overwrites(long control) {
        return (int) (control >>> 48) & 0xFF;
    }

    /** The byte {@link #HEAT}. */
    public static int heat(long control) {
        return (int) (control >>> 56);
    }

    /** Bytes 16 to 23 of a record as one word. */
    public static long lengths(int keyLength, int valueLength) {
        return keyLength | (long) valueLength << 32;
    }

    public static int keyLength(long lengths) {
        return (int) lengths;
    }

    public static int valueLength(long lengths) {
        return (int) (lengths >>> 32);
    }

    /** Whether kind, flags and lengths can be those of a record that Cairn wrote. */
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
     * Writes the bytes that bind a checksum to store, stripe, life of the region and place (RULE
     * 2). So neither a record of the region's former life nor planted bytes pass the check.
     *
     * @param bytes the array whose first {@link #IDENTITY_BYTES} are written
     * @param offset the offset of the record in the file
     */
    public static void identity(
            byte[] bytes, java.util.UUID storeId, int stripe, long number, long offset) {
        Checksum.putId(bytes, 0, storeId);
        Words.setPlain(bytes, 16, stripe);
        Words.setPlain(bytes, 24, number);
        Words.setPlain(bytes, 32, offset);
    }
}
