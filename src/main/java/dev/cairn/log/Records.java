package dev.cairn.log;

import dev.cairn.CorruptStore;
import dev.cairn.format.Checksum;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.Words;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * Reads records where they lie.
 *
 * <p>RULE 9: while the caller holds no lock, what these methods return is a rumour until the table
 * word was seen unchanged behind it. They touch nothing outside the mapped regions, allocate nothing
 * whose size the bytes say, and throw nothing, whatever the bytes are.
 */
public final class Records {
    /** What is copied at once of an entry that is summed where it lies. */
    private static final int PIECE_BYTES = 8192;

    /** What is fetched ahead of a record: two lines, beside which the processor fetches the next. */
    private static final int TOUCHED_BYTES = 128;

    private final DataFile data;
    private final UUID storeId;

    public Records(DataFile data) {
        this.data = data;
        this.storeId = data.header().storeId();
    }

    /** What comparing a key with that of a record gave. */
    public enum Match {
        SAME,
        OTHER,
        /** The bytes cannot be a record's: once confirmed, the store is corrupt. */
        NO_RECORD
    }

    /**
     * A record's outline, unconfirmed.
     *
     * @param offset of the record in the file
     * @param bytes that it takes there
     * @param flags of {@link RecordLayout}
     * @param memory a mapping that has all of it
     * @param version as it stands there
     * @param keyAt offset of the key in the file
     * @param valueAt offset of the value in the file
     * @param expires milliseconds since 1970, 0 never
     * @param liveBytes bytes it takes while it lives, its run included
     * @param run 0 if it has none
     */
    public record Outline(
            long offset,
            int bytes,
            int flags,
            MemorySegment memory,
            long version,
            int kind,
            long keyAt,
            int keyLength,
            long valueAt,
            int valueLength,
            long expires,
            long liveBytes,
            long run,
            long runNumber) {

        private byte[] copy(long at, int length) {
            byte[] bytes = new byte[length];
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, bytes, 0, length);
            return bytes;
        }

        /** The value where it lies. */
        public MemorySegment value() {
            return memory.asSlice(valueAt, valueLength);
        }

        /** A copy of the key; under the stripe's lock. */
        public byte[] key() {
            return copy(keyAt, keyLength);
        }

        /** Whether the key is this one; no allocation. */
        public boolean hasKey(byte[] key) {
            return keyLength == key.length && same(memory, keyAt, key);
        }
    }

    /**
     * Starts to fetch the first lines of the record at a place, if there can be one; the result only
     * keeps the loads alive.
     */
    public long touch(long offset) {
        MemorySegment memory = data.memory();
        int into = data.bytesIntoRegion(offset);
        int last = Math.min(into + TOUCHED_BYTES, data.regionBytes()) - Long.BYTES;
        if (into < RegionHeader.BYTES
                || last < into
                || offset > memory.byteSize() - data.regionBytes()) {
            return 0;
        }
        return Words.plain(memory, offset) + Words.plain(memory, offset + last - into);
    }

    /** Compares a key with that of the record at a place; the fast path of every lookup. */
    public Match match(long offset, byte[] key) {
        MemorySegment memory = data.memory();
        int into = data.bytesIntoRegion(offset);
        if (into < RegionHeader.BYTES || into > data.regionBytes() - RecordLayout.MIN_BYTES) {
            return Match.NO_RECORD;
        }
        if (offset > memory.byteSize() - data.regionBytes()) { // the region may end behind it
            if (!data.has(offset, RecordLayout.MIN_BYTES)) {
                return Match.NO_RECORD;
            }
            memory = data.remapped();
        }
        long control = Words.plain(memory, offset + RecordLayout.CRC);
        long lengths = Words.plain(memory, offset + RecordLayout.KEY_LENGTH);
        int flags = RecordLayout.flags(control);
        if (RecordLayout.kind(control) != RecordLayout.PUT
                || (flags & RecordLayout.KEY_IN_RUN) != 0) {
            return matchSlowly(offset, key);
        }
        if (RecordLayout.keyLength(lengths) != key.length) {
            return RecordLayout.plausible(control, lengths) ? Match.OTHER : Match.NO_RECORD;
        }
        int keyInto = into + RecordLayout.HEADER_BYTES + RecordLayout.extensionBytes(flags);
        if (keyInto + (long) key.length > data.regionBytes()) {
            return Match.NO_RECORD;
        }
        return same(memory, offset + keyInto - into, key) ? Match.SAME : Match.OTHER;
    }

    /**
     * Copies of all that an entry's checksums cover; not to be used before they are confirmed and
     * {@link #requireSound}.
     *
     * @param record the record behind the identity that its checksum covers before it
     * @param runKey the key, if it lies in the run
     * @param runValue the value, if it lies in the run
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
    public record Copy(
            Outline outline, byte[] record, byte @Nullable [] runKey, byte @Nullable [] runValue) {

        public byte[] key() {
            int at = at(outline.keyAt);
            return runKey == null ? Arrays.copyOfRange(record, at, at + outline.keyLength) : runKey;
        }

        public byte[] value() {
            int at = valueAt();
            return runValue == null
                    ? Arrays.copyOfRange(record, at, at + outline.valueLength)
                    : runValue;
        }

        /** The array that holds the value, from {@link #valueAt} on. */
        public byte[] valueArray() {
            return runValue == null ? record : runValue;
        }

        public int valueAt() {
            return runValue == null ? at(outline.valueAt) : 0;
        }

        private int at(long offset) {
            return RecordLayout.IDENTITY_BYTES + (int) (offset - outline.offset);
        }
    }

    /** Copies an entry; only after a confirmation, since its lengths are allocated. */
    public Copy copy(int stripe, Outline outline) {
        return new Copy(
                outline,
                image(stripe, outline.offset, outline.bytes),
                (outline.flags & RecordLayout.KEY_IN_RUN) == 0
                        ? null
                        : outline.copy(outline.keyAt, outline.keyLength),
                (outline.flags & RecordLayout.VALUE_IN_RUN) == 0
                        ? null
                        : outline.copy(outline.valueAt, outline.valueLength));
    }

    /**
     * Compares the checksums of confirmed copies.
     *
     * @throws CorruptStore if they are not the bytes that were written there
     */
    public void requireSound(int stripe, Copy copy) {
        requireChecksum(copy.record, copy.outline.offset);
        if (copy.outline.run == 0) {
            return;
        }
        long runAt = data.regionAt(Place.region(copy.outline.run));
        CRC32C crc = new CRC32C();
        crc.update(runIdentity(stripe, copy.outline.runNumber, runAt));
        if (copy.runKey != null) {
            crc.update(copy.runKey);
        }
        if (copy.runValue != null) {
            crc.update(copy.runValue);
        }
        int expected =
                Words.intPlain(
                        copy.record,
                        RecordLayout.IDENTITY_BYTES
                                + RecordLayout.runAt(copy.outline.flags)
                                + RecordLayout.RUN_CRC);
        if ((int) crc.getValue() != expected) {
            throw wrongChecksum(runAt, "a run", expected, (int) crc.getValue());
        }
    }

    private void requireChecksum(byte[] image, long offset) {
        int crcAt = RecordLayout.IDENTITY_BYTES + RecordLayout.CRC;
        int expected = Words.intPlain(image, crcAt);
        Words.setIntPlain(image, crcAt, 0);
        int found = Checksum.of(image, 0, image.length);
        if (found != expected) {
            throw wrongChecksum(offset, "a record", expected, found);
        }
    }

    private CorruptStore wrongChecksum(long offset, String what, int expected, int found) {
        return new CorruptStore(
                data.path(),
                offset,
                "%s with checksum 0x%08x".formatted(what, expected),
                "bytes with 0x%08x".formatted(found));
    }

    /**
     * What is wrong with an entry's bytes where they lie, null if nothing is; unconfirmed, but only
     * after a confirmation of its lengths. The bytes are copied piece by piece, and a piece is summed:
     * see {@link Checksum}.
     */
    public @Nullable CorruptStore damage(int stripe, Outline outline) {
        byte[] piece = image(stripe, outline.offset, Math.min(outline.bytes, PIECE_BYTES));
        int crcAt = RecordLayout.IDENTITY_BYTES + RecordLayout.CRC;
        int expected = Words.intPlain(piece, crcAt);
        int runExpected =
                outline.run == 0
                        ? 0
                        : Words.intPlain(
                                piece,
                                RecordLayout.IDENTITY_BYTES
                                        + RecordLayout.runAt(outline.flags)
                                        + RecordLayout.RUN_CRC);
        Words.setIntPlain(piece, crcAt, 0);
        CRC32C crc = new CRC32C();
        crc.update(piece);
        update(crc, data.memory(), outline.offset + PIECE_BYTES, outline.offset + outline.bytes);
        if ((int) crc.getValue() != expected) {
            return wrongChecksum(outline.offset, "a record", expected, (int) crc.getValue());
        }
        if (outline.run == 0) {
            return null;
        }
        long runAt = data.regionAt(Place.region(outline.run));
        long from = runAt + RegionHeader.BYTES;
        crc.reset();
        crc.update(runIdentity(stripe, outline.runNumber, runAt));
        update(
                crc,
                outline.memory,
                from,
                from
                        + RecordLayout.runContentBytes(
                                outline.flags, outline.keyLength, outline.valueLength));
        return (int) crc.getValue() == runExpected
                ? null
                : wrongChecksum(runAt, "a run", runExpected, (int) crc.getValue());
    }

    private static void update(CRC32C crc, MemorySegment memory, long from, long to) {
        byte[] piece = new byte[Math.clamp(to - from, 0, PIECE_BYTES)];
        for (long at = from; at < to; at += piece.length) {
            int length = (int) Math.min(piece.length, to - at);
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, piece, 0, length);
            crc.update(piece, 0, length);
        }
    }

    private byte[] runIdentity(int stripe, long number, long runAt) {
        byte[] identity = new byte[RecordLayout.IDENTITY_BYTES];
        RecordLayout.identity(identity, storeId, stripe, number, runAt);
        return identity;
    }

    private byte[] image(int stripe, long offset, int bytes) {
        byte[] image = new byte[RecordLayout.IDENTITY_BYTES + bytes];
        RecordLayout.identity(image, storeId, stripe, data.number(data.regionOf(offset)), offset);
        MemorySegment.copy(
                data.memory(),
                ValueLayout.JAVA_BYTE,
                offset,
                image,
                RecordLayout.IDENTITY_BYTES,
                bytes);
        return image;
    }

    /** What {@link #inlineLength} returns for a record with an expiry or a run, or for none. */
    public static final int NOT_INLINE = -1;

    /**
     * The length of the value of a record that holds its header, key and value and nothing else; of
     * a place at which {@link #match} found the key. Unconfirmed.
     */
    public int inlineLength(long offset, int keyLength) {
        MemorySegment memory = data.memory();
        long control = Words.plain(memory, offset + RecordLayout.CRC);
        long lengths = Words.plain(memory, offset + RecordLayout.KEY_LENGTH);
        int valueLength = RecordLayout.valueLength(lengths);
        long end =
                (long) data.bytesIntoRegion(offset)
                        + RecordLayout.HEADER_BYTES
                        + keyLength
                        + valueLength;
        return control >>> Integer.SIZE == RecordLayout.PUT
                        && RecordLayout.keyLength(lengths) == keyLength
                        && valueLength >= 0
                        && end <= data.regionBytes()
                ? valueLength
                : NOT_INLINE;
    }

    /**
     * A copy of such a record behind what its checksum covers before it; only after a confirmation,
     * since its length is allocated.
     */
    public byte[] image(int stripe, long offset, int keyLength, int valueLength) {
        return image(stripe, offset, (int) RecordLayout.bytes(0, keyLength, valueLength));
    }

    /**
     * The value in a confirmed image.
     *
     * @throws CorruptStore if its bytes are not those that were written there
     */
    public byte[] value(byte[] image, long offset, int keyLength, int valueLength) {
        requireChecksum(image, offset);
        int valueAt = RecordLayout.IDENTITY_BYTES + RecordLayout.HEADER_BYTES + keyLength;
        return Arrays.copyOfRange(image, valueAt, valueAt + valueLength);
    }

    private Match matchSlowly(long offset, byte[] key) {
        Outline outline = outline(offset);
        if (outline == null || outline.kind != RecordLayout.PUT) {
            return Match.NO_RECORD;
        }
        return outline.hasKey(key) ? Match.SAME : Match.OTHER;
    }

    private static boolean same(MemorySegment memory, long at, byte[] key) {
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

    /** Null if the bytes at that place cannot be a record that fits its region and its run. */
    public @Nullable Outline outline(long offset) {
        int into = data.bytesIntoRegion(offset);
        if (into < RegionHeader.BYTES
                || (offset & Place.UNIT_BYTES - 1) != 0
                || into > data.regionBytes() - RecordLayout.MIN_BYTES
                || !data.has(offset, RecordLayout.MIN_BYTES)) {
            return null;
        }
        MemorySegment memory = data.covering(offset, data.regionBytes() - into);
        long control = Words.plain(memory, offset + RecordLayout.CRC);
        long lengths = Words.plain(memory, offset + RecordLayout.KEY_LENGTH);
        int flags = RecordLayout.flags(control);
        int keyLength = RecordLayout.keyLength(lengths);
        int valueLength = RecordLayout.valueLength(lengths);
        if (!RecordLayout.plausible(control, lengths)) {
            return null;
        }
        long bytes = RecordLayout.bytes(flags, keyLength, valueLength);
        if (into + bytes > data.regionBytes()) {
            return null;
        }
        long at = offset + RecordLayout.HEADER_BYTES;
        long expires = 0;
        if ((flags & RecordLayout.EXPIRES) != 0) {
            expires = Words.plain(memory, at);
            at += RecordLayout.EXPIRY_BYTES;
        }
        int runRegions = Draft.runRegions(flags, keyLength, valueLength, data.regionBytes());
        long run = 0;
        long runNumber = 0;
        long runContentAt = 0;
        if (runRegions > 0) {
            run = Words.plain(memory, at + RecordLayout.RUN_WORD);
            runNumber = Words.plain(memory, at + RecordLayout.RUN_NUMBER);
            at += RecordLayout.RUN_BYTES;
            long regions = data.regions();
            long first = Place.region(run);
            if (Place.low(run) != runRegions || first < 0 || first > regions - runRegions) {
                return null;
            }
            runContentAt = data.regionAt(first) + RegionHeader.BYTES;
            memory = data.covering(data.regionAt(first + runRegions), 0);
        }
        boolean keyInRun = (flags & RecordLayout.KEY_IN_RUN) != 0;
        boolean valueInRun = (flags & RecordLayout.VALUE_IN_RUN) != 0;
        long keyAt = keyInRun ? runContentAt : at;
        long valueAt =
                valueInRun
                        ? runContentAt + (keyInRun ? keyLength : 0)
                        : at + (keyInRun ? 0 : keyLength);
        return new Outline(
                offset,
                (int) bytes,
                flags,
                memory,
                Words.plain(memory, offset + RecordLayout.VERSION),
                RecordLayout.kind(control),
                keyAt,
                keyLength,
                valueAt,
                valueLength,
                expires,
                bytes + (long) runRegions * data.regionBytes(),
                run,
                runNumber);
    }

    /** The outline under the stripe's lock, where bytes that are no record mean damage. */
    public Outline outlineLocked(long offset) {
        Outline outline = outline(offset);
        if (outline == null || outline.kind() != RecordLayout.PUT) {
            throw noRecord(offset);
        }
        return outline;
    }

    /** As {@link #outlineLocked}, of a record of any kind. */
    public Outline outlineAnyLocked(long offset) {
        Outline outline = outline(offset);
        if (outline == null) {
            throw noRecord(offset);
        }
        return outline;
    }

    /** The key of a record under the stripe's lock. */
    public byte[] keyLocked(long offset) {
        return outlineLocked(offset).key();
    }

    /** The error for a confirmed place at which no record lies. */
    public CorruptStore noRecord(long offset) {
        String found = "a place outside the file";
        if (data.has(offset, RecordLayout.MIN_BYTES)) {
            byte[] header = new byte[RecordLayout.HEADER_BYTES];
            MemorySegment.copy(
                    data.remapped(), ValueLayout.JAVA_BYTE, offset, header, 0, header.length);
            found = Arrays.toString(header);
        }
        return new CorruptStore(data.path(), offset, "a record that the index points to", found);
    }
}
