package dev.cairn.log;

import dev.cairn.CorruptStore;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SlotWord;
import dev.cairn.format.Words;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Reads records in the mapping.
 *
 * <p>RULES 9, 34: if the caller holds no lock, the results are unconfirmed until slot word and
 * table word were loaded again afterwards and found unchanged. The methods touch nothing outside
 * the mapped regions, allocate nothing whose size the bytes say, and throw nothing, whatever the
 * bytes are.
 */
public final class Records {
    /**
     * The number of bytes that are copied at once of an entry whose checksum is computed piece by
     * piece.
     */
    private static final int PIECE_BYTES = 8192;

    /**
     * The number of bytes that are fetched ahead of a record: two lines, after which the processor
     * fetches the next.
     */
    private static final int TOUCHED_BYTES = 128;

    private final DataFile data;
    private final RecordBytes recordBytes;

    public Records(DataFile data) {
        this.data = data;
        this.recordBytes = data.recordBytes();
    }

    /** The result of a comparison of a key with that of a record. */
    public enum Match {
        SAME,
        OTHER,
        /** The bytes cannot be a record. If that is confirmed, the store is corrupt. */
        NO_RECORD
    }

    /**
     * The outline of a record, unconfirmed.
     *
     * @param offset its offset in the file
     * @param memory a mapping that contains all of it
     * @param runContentAt the offset in the file of the content of its run, 0 if it has none
     * @param liveBytes the bytes that it takes while it lives, including its run
     */
    public record Outline(
            RecordBytes.Header header,
            long offset,
            MemorySegment memory,
            long runContentAt,
            long liveBytes) {

        /** The bytes that it takes in its region. */
        public int bytes() {
            return header.bytes();
        }

        /** The version in the record. */
        public long version() {
            return header.version();
        }

        public int kind() {
            return header.kind();
        }

        public int keyLength() {
            return header.keyLength();
        }

        public int valueLength() {
            return header.valueLength();
        }

        /** The expiry in milliseconds since 1970, 0 for never. */
        public long expires() {
            return header.expires();
        }

        /** How many times it was overwritten in place, according to itself. */
        public int overwrites() {
            return header.overwrites();
        }

        /** What a cache knows about its use. */
        public int heat() {
            return header.heat();
        }

        /** Its run, 0 if it has none. */
        public long run() {
            RecordBytes.Run run = header.run();
            return run == null ? 0 : run.word();
        }

        /** The allocation number of its run. */
        public long runNumber() {
            RecordBytes.Run run = header.run();
            return run == null ? 0 : run.number();
        }

        /** Whether it is a put, and no copy, without a time to live and without a run. */
        public boolean isPlain() {
            return kind() == RecordLayout.PUT
                    && !header.is(RecordLayout.MOVED)
                    && !header.is(RecordLayout.EXPIRES)
                    && !keyInRun()
                    && !valueInRun();
        }

        private boolean keyInRun() {
            return header.is(RecordLayout.KEY_IN_RUN);
        }

        private boolean valueInRun() {
            return header.is(RecordLayout.VALUE_IN_RUN);
        }

        private long keyAt() {
            return keyInRun() ? runContentAt : offset + header.keyAt();
        }

        private long valueAt() {
            return valueInRun() ? runContentAt + header.valueAtInRun() : offset + header.valueAt();
        }

        private byte[] copy(long at, int length) {
            byte[] bytes = new byte[length];
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, bytes, 0, length);
            return bytes;
        }

        /** The value in the mapping. */
        public MemorySegment value() {
            return memory.asSlice(valueAt(), valueLength());
        }

        /** A copy of the key; the caller holds the stripe's lock. */
        public byte[] key() {
            return copy(keyAt(), keyLength());
        }

        /** Whether the key is this one. It allocates nothing. */
        public boolean hasKey(byte[] key) {
            return keyLength() == key.length && RecordBytes.hasBytes(memory, keyAt(), key);
        }
    }

    /**
     * Starts to fetch the first lines of the record at a place, if there can be one. The result
     * only keeps the loads alive.
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

    /** Compares a key with that of the record at a place. It is the fast path of every lookup. */
    public Match match(long offset, byte[] key) {
        long match = words(offset, key);
        if (match >= 0) {
            return Match.SAME;
        }
        if (match == RecordBytes.ELSEWHERE) {
            return matchSlowly(offset, key);
        }
        return match == RecordBytes.OTHER ? Match.OTHER : Match.NO_RECORD;
    }

    /** See {@link RecordBytes#match}. */
    private long words(long offset, byte[] key) {
        MemorySegment memory = data.memory();
        int into = data.bytesIntoRegion(offset);
        if (into < RegionHeader.BYTES || into > data.regionBytes() - RecordLayout.MIN_BYTES) {
            return RecordBytes.NO_RECORD;
        }
        if (offset > memory.byteSize() - data.regionBytes()) { // the region may end after it
            if (!data.has(offset, RecordLayout.MIN_BYTES)) {
                return RecordBytes.NO_RECORD;
            }
            memory = data.remapped();
        }
        return RecordBytes.match(memory, offset, data.regionBytes() - into, key);
    }

    /** The result of {@link #inline} for anything that is not such a record. */
    public static final long NOT_INLINE = -1;

    /**
     * Looks for the record of a key with its value in it at a place, whether or not it was moved or
     * may expire. It is the fast path of reads. The result is unconfirmed.
     *
     * @return {@link #NOT_INLINE}, or what {@link #image} and {@link RecordBytes#inlineValue} need
     */
    public long inline(long offset, byte[] key) {
        long match = words(offset, key);
        int room = data.regionBytes() - data.bytesIntoRegion(offset);
        return match >= 0 && RecordBytes.isInline(match, key.length, room) ? match : NOT_INLINE;
    }

    /**
     * Copies such a record, after the identity that its checksum covers. It must be confirmed
     * before, since its length is allocated.
     *
     * @param inline the result of {@link #inline}
     */
    public byte[] image(int stripe, long offset, byte[] key, long inline) {
        return image(stripe, offset, offset, RecordBytes.inlineBytes(inline, key.length));
    }

    /**
     * Copies of all that an entry's checksums cover. They must not be used before they are
     * confirmed and {@link #requireSound} has returned.
     *
     * @param record the record, after the identity that its checksum covers
     * @param runKey the key, if it lies in the run
     * @param runValue the value, if it lies in the run
     */
    @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
    public record Copy(
            Outline outline, byte[] record, byte @Nullable [] runKey, byte @Nullable [] runValue) {

        public byte[] key() {
            int at = RecordLayout.IDENTITY_BYTES + outline.header.keyAt();
            return runKey == null
                    ? Arrays.copyOfRange(record, at, at + outline.keyLength())
                    : runKey;
        }

        public byte[] value() {
            int at = valueAt();
            return runValue == null
                    ? Arrays.copyOfRange(record, at, at + outline.valueLength())
                    : runValue;
        }

        /** The array that contains the value, from {@link #valueAt} on. */
        public byte[] valueArray() {
            return runValue == null ? record : runValue;
        }

        public int valueAt() {
            return runValue == null ? RecordLayout.IDENTITY_BYTES + outline.header.valueAt() : 0;
        }
    }

    /** Copies an entry. It must be confirmed before, since its lengths are allocated. */
    public Copy copy(int stripe, Outline outline) {
        return copy(stripe, outline, outline.offset);
    }

    /**
     * Copies an entry. It must be confirmed before, since its lengths are allocated.
     *
     * @param place the final place of the record, which its checksum covers, if this is its image
     *     behind the tail
     */
    public Copy copy(int stripe, Outline outline, long place) {
        return new Copy(
                outline,
                image(stripe, place, outline.offset, outline.bytes()),
                outline.keyInRun() ? outline.copy(outline.keyAt(), outline.keyLength()) : null,
                outline.valueInRun()
                        ? outline.copy(outline.valueAt(), outline.valueLength())
                        : null);
    }

    /**
     * Compares the counts of a record's overwrites in the record and in its slot word. If the
     * kernel dropped a page, an older record may be back, whose checksum is right (RULES 34, 35).
     *
     * @throws CorruptStore if they differ
     */
    public void requireOverwrites(byte[] image, long slot) {
        requireOverwrites(SlotWord.offset(slot), slot, RecordBytes.overwritesIn(image));
    }

    /**
     * Compares the counts of a record's overwrites.
     *
     * @param offset the offset of the record
     * @param found the count in the record
     * @throws CorruptStore if it differs from that in the slot word
     */
    public void requireOverwrites(long offset, long slot, int found) {
        if (found != SlotWord.overwrites(slot)) {
            throw wrongOverwrites(offset, slot, found);
        }
    }

    /** The error for a record whose count differs from that in its slot word. */
    public CorruptStore wrongOverwrites(long offset, long slot, int found) {
        return new CorruptStore(
                data.path(),
                offset,
                "a record that was overwritten %d times, as its slot word says"
                        .formatted(SlotWord.overwrites(slot)),
                "a record that was overwritten %d times".formatted(found));
    }

    /**
     * Compares the checksums of confirmed copies.
     *
     * @throws CorruptStore if they are not the bytes that were written there
     */
    public void requireSound(int stripe, Copy copy) {
        Outline outline = copy.outline;
        requireSound(copy.record, outline.offset);
        RecordBytes.Run run = outline.header.run();
        if (run == null) {
            return;
        }
        long runAt = data.regionAt(Place.region(run.word()));
        RecordBytes.Sum sum = recordBytes.sum(stripe, run.number(), runAt);
        if (copy.runKey != null) {
            sum.add(copy.runKey, 0, copy.runKey.length);
        }
        if (copy.runValue != null) {
            sum.add(copy.runValue, 0, copy.runValue.length);
        }
        int expected = RecordBytes.runChecksumIn(copy.record, outline.header);
        if (sum.value() != expected) {
            throw wrongChecksum(runAt, "a run", expected, sum.value());
        }
    }

    /**
     * Compares the checksum of a confirmed image.
     *
     * @throws CorruptStore if its bytes are not those that were written there
     */
    public void requireSound(byte[] image, long offset) {
        int expected = RecordBytes.checksumIn(image);
        int found = RecordBytes.checksumOf(image);
        if (found != expected) {
            throw wrongChecksum(offset, "a record", expected, found);
        }
    }

    private CorruptStore wrongChecksum(long offset, String what, int expected, int found) {
        return new CorruptStore(
                data.path(),
                offset,
                "%s with checksum 0x%08x".formatted(what, expected),
                "bytes with checksum 0x%08x".formatted(found));
    }

    /**
     * Checks an entry's bytes in the mapping. Its lengths must be confirmed before; the result is
     * unconfirmed. The bytes are copied piece by piece for the checksum: see {@link dev.cairn.format.Checksum}.
     *
     * @param place as for {@link #copy(int, Outline, long)}
     * @param slot the slot word that names the entry
     * @return what is wrong with the bytes; null if nothing is
     */
    public @Nullable CorruptStore damage(int stripe, Outline outline, long place, long slot) {
        byte[] piece = image(stripe, place, outline.offset, Math.min(outline.bytes(), PIECE_BYTES));
        RecordBytes.Run run = outline.header.run();
        int expected = RecordBytes.checksumIn(piece);
        int runExpected = run == null ? 0 : RecordBytes.runChecksumIn(piece, outline.header);
        int overwrites = RecordBytes.overwritesIn(piece);
        RecordBytes.putChecksum(piece, 0);
        RecordBytes.Sum sum = new RecordBytes.Sum();
        sum.add(piece, 0, piece.length);
        add(sum, data.memory(), outline.offset + PIECE_BYTES, outline.offset + outline.bytes());
        if (sum.value() != expected) {
            return wrongChecksum(outline.offset, "a record", expected, sum.value());
        }
        if (overwrites != SlotWord.overwrites(slot)) {
            return wrongOverwrites(outline.offset, slot, overwrites);
        }
        if (run == null) {
            return null;
        }
        long from = outline.runContentAt;
        long runAt = from - RegionHeader.BYTES;
        sum = recordBytes.sum(stripe, run.number(), runAt);
        add(sum, outline.memory, from, from + run.contentBytes());
        return sum.value() == runExpected
                ? null
                : wrongChecksum(runAt, "a run", runExpected, sum.value());
    }

    private static void add(RecordBytes.Sum sum, MemorySegment memory, long from, long to) {
        byte[] piece = new byte[Math.clamp(to - from, 0, PIECE_BYTES)];
        for (long at = from; at < to; at += piece.length) {
            int length = (int) Math.min(piece.length, to - at);
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, piece, 0, length);
            sum.add(piece, 0, length);
        }
    }

    private byte[] image(int stripe, long place, long offset, int bytes) {
        byte[] image = recordBytes.image(stripe, data.number(data.regionOf(place)), place, bytes);
        MemorySegment.copy(
                data.memory(),
                ValueLayout.JAVA_BYTE,
                offset,
                image,
                RecordLayout.IDENTITY_BYTES,
                bytes);
        return image;
    }

    private Match matchSlowly(long offset, byte[] key) {
        Outline outline = outline(offset);
        if (outline == null || outline.kind() != RecordLayout.PUT) {
            return Match.NO_RECORD;
        }
        return outline.hasKey(key) ? Match.SAME : Match.OTHER;
    }

    /**
     * The outline of the record at a place; null if the bytes there cannot be a record that fits
     * its region and its run.
     */
    public @Nullable Outline outline(long offset) {
        int into = data.bytesIntoRegion(offset);
        if (into < RegionHeader.BYTES
                || (offset & Place.UNIT_BYTES - 1) != 0
                || into > data.regionBytes() - RecordLayout.MIN_BYTES
                || !data.has(offset, RecordLayout.MIN_BYTES)) {
            return null;
        }
        int room = data.regionBytes() - into;
        MemorySegment memory = data.covering(offset, room);
        RecordBytes.Header header = recordBytes.header(memory, offset, room);
        if (header == null) {
            return null;
        }
        RecordBytes.Run run = header.run();
        if (run == null) {
            return new Outline(header, offset, memory, 0, header.bytes());
        }
        if (!recordBytes.liesWithin(run, data.regions())) {
            return null;
        }
        long first = Place.region(run.word());
        long runRegions = Place.low(run.word());
        return new Outline(
                header,
                offset,
                data.covering(data.regionAt(first + runRegions), 0),
                data.regionAt(first) + RegionHeader.BYTES,
                header.bytes() + runRegions * data.regionBytes());
    }

    /**
     * The outline of a put at a place. The caller holds the stripe's lock, so bytes that are no
     * record mean damage.
     */
    public Outline outlineLocked(long offset) {
        Outline outline = outline(offset);
        if (outline == null || outline.kind() != RecordLayout.PUT) {
            throw noRecord(offset);
        }
        return outline;
    }

    /** The outline of a record of any kind, as {@link #outlineLocked} returns it for a put. */
    public Outline outlineAnyLocked(long offset) {
        Outline outline = outline(offset);
        if (outline == null) {
            throw noRecord(offset);
        }
        return outline;
    }

    /** The key of a record; the caller holds the stripe's lock. */
    public byte[] keyLocked(long offset) {
        return outlineLocked(offset).key();
    }

    /** The error for a confirmed place at which there is no record. */
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
