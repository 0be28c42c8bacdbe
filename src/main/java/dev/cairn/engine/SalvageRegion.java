package dev.cairn.engine;

import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.log.RecordBytes;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/** The bytes of one region of a damaged file, and the sound records in it. */
final class SalvageRegion {
    private static final byte[] NOTHING = {};
    private static final int COPY_BYTES = 1 << 16;

    private final SalvageSource source;
    private final RecordBytes recordBytes;
    private final int stripe;
    private final byte[] bytes;
    private long regionAt;
    private long number;
    private int end;

    SalvageRegion(SalvageSource source, int stripe) {
        this.source = source;
        this.recordBytes = new RecordBytes(source.header());
        this.stripe = stripe;
        this.bytes = new byte[source.header().regionBytes()];
    }

    /** Reads a region up to that offset. */
    void read(SalvageChain.Member member, int to) {
        regionAt = source.header().regionAt(member.region());
        number = member.number();
        end = to;
        source.read(regionAt, bytes, to);
    }

    /** The offset at which records end. */
    int end() {
        return end;
    }

    /** Whether there is room for a record. At the end of a region there may be less. */
    boolean hasRoom(int at) {
        return at < end && (end < bytes.length || end - at >= RecordLayout.MIN_BYTES);
    }

    /**
     * A record whose checksum is right.
     *
     * @param at its offset in the region
     */
    record Found(int at, RecordBytes.Header header) {
        /** The bytes that it takes there. */
        int length() {
            return header.bytes();
        }

        int kind() {
            return header.kind();
        }

        long version() {
            return header.version();
        }

        boolean is(int flag) {
            return header.is(flag);
        }

        int overwrites() {
            return header.overwrites();
        }

        RecordBytes.@Nullable Run run() {
            return header.run();
        }

        private int keyAt() {
            return at + header.keyAt();
        }

        private int valueAt() {
            return at + header.valueAt();
        }
    }

    /** The bytes of a key and of its value. */
    @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
    record Content(byte[] key, byte[] value) {}

    /** The record that begins there; null unless its checksum is right. */
    @Nullable Found at(int at) {
        RecordBytes.Header header = recordBytes.header(bytes, at, end - at);
        if (header == null
                || recordBytes.checksumOf(header, stripe, number, offset(at), bytes, at)
                        != header.checksum()) {
            return null;
        }
        RecordBytes.Run run = header.run();
        return run == null || recordBytes.hasLengthOfContent(run) ? new Found(at, header) : null;
    }

    /**
     * What may be the key of a destroyed record.
     *
     * @param length the length of the record, according to its header
     */
    @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
    record Remains(int length, byte @Nullable [] key, long version) {}

    /** What is left of a destroyed record that began there; null if there is no header. */
    @Nullable Remains remainsAt(int at) {
        RecordBytes.Header header = recordBytes.header(bytes, at, end - at);
        if (header == null) {
            return null;
        }
        boolean legible = header.kind() == RecordLayout.PUT && !header.is(RecordLayout.KEY_IN_RUN);
        return new Remains(
                header.bytes(),
                legible ? inline(at + header.keyAt(), header.keyLength()) : null,
                header.version());
    }

    private byte[] inline(int at, int length) {
        return Arrays.copyOfRange(bytes, at, at + length);
    }

    /** The offset in the file of an offset in the region. */
    long offset(int at) {
        return regionAt + at;
    }

    /** The key of a record; null if it lies in a run that is not what the record says. */
    byte @Nullable [] key(Found record) {
        if (!record.is(RecordLayout.KEY_IN_RUN)) {
            return inline(record.keyAt(), record.header.keyLength());
        }
        Content content = runContent(record, false);
        return content == null ? null : content.key;
    }

    /** Whether a record that was sound when it was read has this key. */
    boolean hasKey(long offset, byte[] key) {
        byte[] start = new byte[RecordLayout.MIN_BYTES + RecordLayout.RUN_BYTES];
        source.read(offset, start, start.length);
        RecordBytes.Header header = recordBytes.header(start, 0, source.header().regionBytes());
        if (header == null || header.keyLength() != key.length) {
            return false;
        }
        RecordBytes.Run run = header.is(RecordLayout.KEY_IN_RUN) ? header.run() : null;
        long at =
                run == null
                        ? offset + header.keyAt()
                        : source.header().regionAt(Place.region(run.word())) + RegionHeader.BYTES;
        byte[] found = new byte[key.length];
        source.read(at, found, found.length);
        return Arrays.equals(found, key);
    }

    /** Key and value of a record; null if its run is not what the record says. */
    @Nullable Content content(Found record) {
        if (record.run() != null) {
            return runContent(record, true);
        }
        byte[] key = key(record);
        return key == null
                ? null
                : new Content(key, inline(record.valueAt(), record.header.valueLength()));
    }

    /**
     * The content of a record's run. The run's header is not needed: the checksum of the content
     * covers number and place.
     */
    private @Nullable Content runContent(Found record, boolean wantsValue) {
        RecordBytes.Run run = record.run();
        if (run == null) {
            return null;
        }
        boolean keyInRun = record.is(RecordLayout.KEY_IN_RUN);
        boolean valueInRun = record.is(RecordLayout.VALUE_IN_RUN);
        int valueLength = record.header.valueLength();
        long first = Place.region(run.word());
        long last = first + Place.low(run.word()) - 1;
        if (!source.has(first) || !source.has(last)) {
            return null;
        }
        long offset = source.header().regionAt(first);
        RecordBytes.Sum sum = recordBytes.sum(stripe, run.number(), offset);
        long at = offset + RegionHeader.BYTES;
        byte[] key;
        if (keyInRun) {
            key = read(at, new byte[record.header.keyLength()], sum);
            at += key.length;
        } else {
            key = key(record);
        }
        byte[] value = NOTHING;
        if (valueInRun && wantsValue) {
            value = read(at, new byte[valueLength], sum);
        } else if (valueInRun) {
            skip(at, valueLength, sum);
        } else if (wantsValue) {
            value = inline(record.valueAt(), valueLength);
        }
        return key != null && sum.value() == run.crc() ? new Content(key, value) : null;
    }

    private byte[] read(long at, byte[] to, RecordBytes.Sum sum) {
        source.read(at, to, to.length);
        sum.add(to, 0, to.length);
        return to;
    }

    private void skip(long at, int length, RecordBytes.Sum sum) {
        byte[] buffer = new byte[Math.min(COPY_BYTES, length)];
        for (int done = 0; done < length; done += buffer.length) {
            int bytesNow = Math.min(buffer.length, length - done);
            source.read(at + done, buffer, bytesNow);
            sum.add(buffer, 0, bytesNow);
        }
    }
}
