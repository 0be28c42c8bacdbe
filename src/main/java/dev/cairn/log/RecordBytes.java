package dev.cairn.log;

import static dev.cairn.format.RecordLayout.EXPIRES;
import static dev.cairn.format.RecordLayout.FILLER;
import static dev.cairn.format.RecordLayout.HEADER_BYTES;
import static dev.cairn.format.RecordLayout.IDENTITY_BYTES;
import static dev.cairn.format.RecordLayout.KEY_IN_RUN;
import static dev.cairn.format.RecordLayout.MIN_BYTES;
import static dev.cairn.format.RecordLayout.MOVED;
import static dev.cairn.format.RecordLayout.PUT;
import static dev.cairn.format.RecordLayout.VALUE_IN_RUN;

import dev.cairn.format.Checksum;
import dev.cairn.format.DataHeader;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.Words;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;

/*
 * Where the bytes of a record may lie, and what may be done with them there
 *
 * mapping   Other processes may write to it at any time. What is read is unconfirmed (RULE 9): no method
 *           throws, exceeds the room that the caller gives, or allocates a size that the bytes say. No
 *           checksum is computed there, since a missing page would kill the JVM (RULE 2).
 * window    A copy of a part of a region, on the heap. The checksum covers an identity that is stored
 *           nowhere, and then the bytes, with 0 in place of the checksum itself.
 * image     A copy of one record, on the heap, after the identity that its checksum covers:
 *
 *           0          40                            64
 *           +----------+-----------------------------+---------+------+------+-------+---------+
 *           | identity | version, CRC, kind, lengths | expiry? | run? | key? |value? | padding |
 *           +----------+-----------------------------+---------+------+------+-------+---------+
 */
/**
 * The bytes of a store's records: how to read them, what their checksums cover, and how to make
 * them. No other class reads a record's header or computes a record's checksum.
 */
public final class RecordBytes {
    /** The result of {@link #match} for a record with another key. */
    static final long OTHER = -1;

    /** Its result if the bytes are not a record that fits into the room. */
    static final long NO_RECORD = -2;

    /**
     * Its result for a record that is no put, or has its key in a run: {@link #header} tells more.
     */
    static final long ELSEWHERE = -3;

    private static final int CRC_AT = IDENTITY_BYTES + RecordLayout.CRC;

    /**
     * Shifts the control word's flags, and the two bytes after them, to the bits above a length.
     */
    private static final int FLAGS_DOWN = 40;

    /**
     * Which of these bits may be set in such a record: some flags, the count of its overwrites, its
     * heat.
     */
    private static final long INLINE_BITS =
            MOVED
                    | EXPIRES
                    | (long) SlotWord.overwrites(SlotWord.MOST) << 8
                    | (long) RecordLayout.MOST_HEAT << 16;

    private final UUID storeId;
    private final int regionBytes;

    public RecordBytes(DataHeader store) {
        this.storeId = store.storeId();
        this.regionBytes = store.regionBytes();
    }

    /**
     * The header of a record, with what follows it before key and value. Kind, flags and lengths
     * are possible ones. No checksum was compared.
     *
     * @param control bytes 8 to 15, see {@link RecordLayout#control}
     * @param lengths see {@link RecordLayout#lengths}
     * @param expires milliseconds since 1970, 0 for never
     * @param run null if it has none
     */
    public record Header(
            long version, long control, long lengths, long expires, @Nullable Run run) {
        public int kind() {
            return RecordLayout.kind(control);
        }

        /** Whether a flag of {@link RecordLayout} is set. */
        public boolean is(int flag) {
            return (RecordLayout.flags(control) & flag) != 0;
        }

        public int keyLength() {
            return RecordLayout.keyLength(lengths);
        }

        public int valueLength() {
            return RecordLayout.valueLength(lengths);
        }

        /** The bytes of the record in its region, which do not exceed the room. */
        public int bytes() {
            return (int)
                    RecordLayout.bytes(RecordLayout.flags(control), keyLength(), valueLength());
        }

        /** The offset of the key; if the key lies in the run, that of the value. */
        public int keyAt() {
            return contentAt(RecordLayout.flags(control));
        }

        /** The offset of the value, unless that lies in the run. */
        public int valueAt() {
            return keyAt() + (is(KEY_IN_RUN) ? 0 : keyLength());
        }

        /** The offset of the value in the content of the run. */
        public int valueAtInRun() {
            return is(KEY_IN_RUN) ? keyLength() : 0;
        }

        /** The checksum in the header. */
        public int checksum() {
            return (int) control;
        }

        /** How many times the record was overwritten in place. */
        public int overwrites() {
            return RecordLayout.overwrites(control);
        }

        /** What a cache knows about its use: see {@link RecordLayout}. */
        public int heat() {
            return RecordLayout.heat(control);
        }
    }

    /**
     * A record's reference to a run.
     *
     * @param word {@link Place#run}
     * @param number the run's allocation number
     * @param crc the checksum of its content
     * @param keyCrc {@link #keyChecksum}, wherever the key is
     * @param contentBytes the bytes of key and value in it
     * @param hasKey whether the key is in it
     */
    public record Run(
            long word, long number, int crc, int keyCrc, long contentBytes, boolean hasKey) {}

    private static int contentAt(int flags) {
        return HEADER_BYTES + RecordLayout.extensionBytes(flags);
    }

    /** Whether the two words can be those of a record that fits into the room. */
    private static boolean fits(long control, long lengths, int room) {
        return RecordLayout.plausible(control, lengths) && said(control, lengths) <= room;
    }

    private static long said(long control, long lengths) {
        return RecordLayout.bytes(
                RecordLayout.flags(control),
                RecordLayout.keyLength(lengths),
                RecordLayout.valueLength(lengths));
    }

    /**
     * The bytes of a record in its region according to the header in a window, which may be wrong.
     */
    static long bytesSaid(byte[] window, int at) {
        return said(
                Words.plain(window, at + RecordLayout.CRC),
                Words.plain(window, at + RecordLayout.KEY_LENGTH));
    }

    /**
     * The header of the record that may begin at a place in a mapping; unconfirmed.
     *
     * @param room how many bytes from there it may take, all in the mapping
     * @return null if there can be no record
     */
    @Nullable Header header(MemorySegment memory, long at, int room) {
        if (room < MIN_BYTES) {
            return null;
        }
        long control = Words.plain(memory, at + RecordLayout.CRC);
        long lengths = Words.plain(memory, at + RecordLayout.KEY_LENGTH);
        if (!fits(control, lengths, room)) {
            return null;
        }
        long runAt = at + RecordLayout.runAt(RecordLayout.flags(control));
        return new Header(
                Words.plain(memory, at + RecordLayout.VERSION),
                control,
                lengths,
                expires(control) ? Words.plain(memory, at + HEADER_BYTES) : 0,
                hasRun(control)
                        ? run(
                                Words.plain(memory, runAt + RecordLayout.RUN_WORD),
                                Words.plain(memory, runAt + RecordLayout.RUN_NUMBER),
                                Words.plain(memory, runAt + RecordLayout.RUN_CRC),
                                control,
                                lengths)
                        : null);
    }

    /**
     * The header of the record that may begin at a place in a window.
     *
     * @param room how many bytes from there the record may take. Those parts of its header that
     *     matter are in the window; the rest of the record need not be.
     * @return null if there can be no record
     */
    public @Nullable Header header(byte[] window, int at, int room) {
        if (room < MIN_BYTES) {
            return null;
        }
        long control = Words.plain(window, at + RecordLayout.CRC);
        long lengths = Words.plain(window, at + RecordLayout.KEY_LENGTH);
        if (!fits(control, lengths, room)) {
            return null;
        }
        int runAt = at + RecordLayout.runAt(RecordLayout.flags(control));
        return new Header(
                Words.plain(window, at + RecordLayout.VERSION),
                control,
                lengths,
                expires(control) ? Words.plain(window, at + HEADER_BYTES) : 0,
                hasRun(control)
                        ? run(
                                Words.plain(window, runAt + RecordLayout.RUN_WORD),
                                Words.plain(window, runAt + RecordLayout.RUN_NUMBER),
                                Words.plain(window, runAt + RecordLayout.RUN_CRC),
                                control,
                                lengths)
                        : null);
    }

    /** Describes, for an error, the bytes in which {@link #header} found no record. */
    static String whyNone(byte[] window, int at, int room) {
        if (room < MIN_BYTES) {
            return room + " bytes before the tail, which is too short for a record";
        }
        long control = Words.plain(window, at + RecordLayout.CRC);
        long lengths = Words.plain(window, at + RecordLayout.KEY_LENGTH);
        return RecordLayout.plausible(control, lengths)
                ? "a record of %d bytes, %d bytes before the end"
                        .formatted(said(control, lengths), room)
                : "a kind, flags or lengths that no record has";
    }

    private static boolean expires(long control) {
        return (RecordLayout.flags(control) & EXPIRES) != 0;
    }

    private static boolean hasRun(long control) {
        return (RecordLayout.flags(control) & (VALUE_IN_RUN | KEY_IN_RUN)) != 0
                && RecordLayout.kind(control) != FILLER;
    }

    private static Run run(long word, long number, long checksums, long control, long lengths) {
        int flags = RecordLayout.flags(control);
        return new Run(
                word,
                number,
                (int) checksums,
                (int) (checksums >>> Integer.SIZE),
                RecordLayout.runContentBytes(
                        flags, RecordLayout.keyLength(lengths), RecordLayout.valueLength(lengths)),
                (flags & KEY_IN_RUN) != 0);
    }

    /** Whether a reference names as many regions as the content of the run needs. */
    public boolean hasLengthOfContent(Run run) {
        return Place.low(run.word) == RecordLayout.runRegions(run.contentBytes, regionBytes);
    }

    /** Whether it does, and all of them are among the file's regions. */
    boolean liesWithin(Run run, long regions) {
        long first = Place.region(run.word);
        return hasLengthOfContent(run) && first >= 0 && first <= regions - Place.low(run.word);
    }

    /**
     * Compares a key with that of the record at a place in a mapping. It is the fast path of every
     * lookup, and all that a read of an inline value needs. The result is unconfirmed.
     *
     * @param room the bytes from there to the region's end, at least {@link
     *     RecordLayout#MIN_BYTES}, all in the mapping
     * @return negative unless the record is a put with that key in it: {@link #OTHER}, {@link
     *     #NO_RECORD}, {@link #ELSEWHERE}; else a word for {@link #isInline}
     */
    static long match(MemorySegment memory, long at, int room, byte[] key) {
        long control = Words.plain(memory, at + RecordLayout.CRC);
        long lengths = Words.plain(memory, at + RecordLayout.KEY_LENGTH);
        int flags = RecordLayout.flags(control);
        if (RecordLayout.kind(control) != PUT || (flags & KEY_IN_RUN) != 0) {
            return ELSEWHERE;
        }
        if (RecordLayout.keyLength(lengths) != key.length) {
            return RecordLayout.plausible(control, lengths) ? OTHER : NO_RECORD;
        }
        int keyAt = contentAt(flags);
        if (keyAt + (long) key.length > room) {
            return NO_RECORD;
        }
        return hasBytes(memory, at + keyAt, key)
                ? control >>> FLAGS_DOWN << Integer.SIZE | lengths >>> Integer.SIZE
                : OTHER;
    }

    /** Whether the bytes at a place in a mapping are those of a key. */
    static boolean hasBytes(MemorySegment memory, long at, byte[] key) {
        int i = 0;
        for (; i <= key.length - Long.BYTES; i += Long.BYTES) {
            if (Words.plain(memory, at + i) != Words.plain(key, i)) {
                return false;
            }
        }
        for (; i < key.length; i++) {
            if (memory.get(ValueLayout.JAVA_BYTE, at + i) != key[i]) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether {@link #match} found a record with its value in it that lies in its room as a whole.
     * Once that is confirmed, {@link #inlineBytes} may be allocated.
     */
    static boolean isInline(long match, int keyLength, int room) {
        int valueLength = (int) match;
        return (match >>> Integer.SIZE & ~INLINE_BITS) == 0
                && valueLength >= 0
                && RecordLayout.bytes(inlineFlags(match), keyLength, valueLength) <= room;
    }

    private static int inlineFlags(long match) {
        return (int) (match >>> Integer.SIZE) & 0xFF;
    }

    /** The bytes in its region of a record that {@link #isInline}. */
    static int inlineBytes(long match, int keyLength) {
        int valueLength = (int) match;
        return (int) RecordLayout.bytes(inlineFlags(match), keyLength, valueLength);
    }

    /** When such a record expires, by its image, in milliseconds since 1970; 0 for never. */
    public static long inlineExpires(byte[] image, long match) {
        return (inlineFlags(match) & EXPIRES) == 0
                ? 0
                : Words.plain(image, IDENTITY_BYTES + HEADER_BYTES);
    }

    /** The heat in a record's image. */
    public static int heatIn(byte[] image) {
        return RecordLayout.heat(Words.plain(image, CRC_AT));
    }

    /** The value of such a record, by its image. */
    public static byte[] inlineValue(byte[] image, long match, int keyLength) {
        int valueAt = IDENTITY_BYTES + contentAt(inlineFlags(match)) + keyLength;
        return Arrays.copyOfRange(image, valueAt, valueAt + (int) match);
    }

    /**
     * Writes the identity at the begin of an image, so that it becomes that of a record at that
     * place.
     */
    void identify(byte[] image, int stripe, long number, long offset) {
        RecordLayout.identity(image, storeId, stripe, number, offset);
    }

    /** An image of a record that contains only the identity so far. */
    byte[] image(int stripe, long number, long offset, int bytes) {
        byte[] image = new byte[IDENTITY_BYTES + bytes];
        identify(image, stripe, number, offset);
        return image;
    }

    /**
     * Writes the header of a record, with checksum 0, and what follows it before key and value,
     * into its image.
     *
     * @param overwrites how many times the record at its final place was overwritten, including
     *     this time
     * @return the number of bytes of the image so far
     */
    static int putHeader(
            byte[] image, Draft draft, long version, @Nullable Run run, int overwrites) {
        int flags = draft.flags();
        long control = RecordLayout.control(draft.kind(), flags, overwrites, draft.heat());
        putHeader(image, control, version, draft.key().length, draft.value().length);
        if ((flags & EXPIRES) != 0) {
            Words.setPlain(image, IDENTITY_BYTES + HEADER_BYTES, draft.expires());
        }
        if (run != null) {
            int runAt = IDENTITY_BYTES + RecordLayout.runAt(flags);
            Words.setPlain(image, runAt + RecordLayout.RUN_WORD, run.word);
            Words.setPlain(image, runAt + RecordLayout.RUN_NUMBER, run.number);
            Words.setIntPlain(image, runAt + RecordLayout.RUN_CRC, run.crc);
            Words.setIntPlain(image, runAt + RecordLayout.RUN_KEY_CRC, run.keyCrc);
        }
        return IDENTITY_BYTES + contentAt(flags);
    }

    /**
     * Makes an image that of a filler, of which only the header is written.
     *
     * @param bytes the number of bytes that the filler fills
     * @return the number of bytes of the image
     */
    static int putFiller(byte[] image, int bytes) {
        putHeader(image, RecordLayout.control(FILLER, 0), 0, 0, bytes - HEADER_BYTES);
        int length = IDENTITY_BYTES + HEADER_BYTES;
        putChecksum(image, Checksum.of(image, 0, length));
        return length;
    }

    private static void putHeader(
            byte[] image, long control, long version, int keyLength, int valueLength) {
        Words.setPlain(image, IDENTITY_BYTES + RecordLayout.VERSION, version);
        Words.setPlain(image, CRC_AT, control);
        Words.setPlain(
                image,
                IDENTITY_BYTES + RecordLayout.KEY_LENGTH,
                RecordLayout.lengths(keyLength, valueLength));
    }

    /** Makes an image that of a copy which cleaning makes at another place. */
    void move(byte[] image, int stripe, long number, long offset) {
        identify(image, stripe, number, offset);
        long control = Words.plain(image, CRC_AT);
        Words.setPlain(image, CRC_AT, moved(control, RecordLayout.heat(control)));
        putChecksum(image, Checksum.of(image, 0, image.length));
    }

    private static long moved(long control, int heat) {
        int flags = RecordLayout.flags(control) | MOVED;
        return RecordLayout.control(RecordLayout.kind(control), flags, 0, heat);
    }

    /** How many times the record in an image was overwritten in place. */
    static int overwritesIn(byte[] image) {
        return RecordLayout.overwrites(Words.plain(image, CRC_AT));
    }

    /** The checksum in an image. */
    static int checksumIn(byte[] image) {
        return Words.intPlain(image, CRC_AT);
    }

    /** The checksum of the run of the record in an image, which has that header. */
    static int runChecksumIn(byte[] image, Header header) {
        int runAt = IDENTITY_BYTES + RecordLayout.runAt(RecordLayout.flags(header.control));
        return Words.intPlain(image, runAt + RecordLayout.RUN_CRC);
    }

    static void putChecksum(byte[] image, int checksum) {
        Words.setIntPlain(image, CRC_AT, checksum);
    }

    /** Writes the checksum into a record that was stored before its checksum was known. */
    static void putChecksum(MemorySegment memory, long at, int checksum) {
        Words.setIntPlain(memory, at + RecordLayout.CRC, checksum);
    }

    /** The checksum that an image should have. */
    static int checksumOf(byte[] image) {
        int kept = checksumIn(image);
        putChecksum(image, 0);
        int checksum = Checksum.of(image, 0, image.length);
        putChecksum(image, kept);
        return checksum;
    }

    /**
     * The checksum that the record in a window should have. That of a filler covers its header.
     */
    public int checksumOf(
            Header header, int stripe, long number, long offset, byte[] window, int at) {
        int length = header.kind() == FILLER ? HEADER_BYTES : header.bytes();
        Sum sum = sum(stripe, number, offset);
        Words.setIntPlain(window, at + RecordLayout.CRC, 0);
        sum.add(window, at, length);
        Words.setIntPlain(window, at + RecordLayout.CRC, header.checksum());
        return sum.value();
    }

    /**
     * Turns the copy of a record in a window into one that cleaning moves to another place.
     *
     * @param heat the heat of the copy
     */
    void move(
            Header header, int heat, int stripe, long number, long offset, byte[] window, int at) {
        Words.setPlain(window, at + RecordLayout.CRC, moved(header.control, heat));
        Sum sum = sum(stripe, number, offset);
        sum.add(window, at, header.bytes());
        Words.setIntPlain(window, at + RecordLayout.CRC, sum.value());
    }

    /** The checksum of a key. It distinguishes records whose key lies in a run. */
    public static int keyChecksum(byte[] key) {
        return Checksum.of(key, 0, key.length);
    }

    /** A checksum that is computed step by step over bytes on the heap: see {@link Checksum}. */
    public static final class Sum {
        private final CRC32C crc = new CRC32C();

        public void add(byte[] bytes, int from, int length) {
            crc.update(bytes, from, length);
        }

        /** Begins again, with no bytes. */
        void reset() {
            crc.reset();
        }

        /** The checksum of what was added so far. */
        public int value() {
            return (int) crc.getValue();
        }
    }

    /** A checksum that already covers the identity of a run, or of a record, at that place. */
    public Sum sum(int stripe, long number, long offset) {
        byte[] identity = new byte[IDENTITY_BYTES];
        identify(identity, stripe, number, offset);
        Sum sum = new Sum();
        sum.add(identity, 0, identity.length);
        return sum;
    }
}
