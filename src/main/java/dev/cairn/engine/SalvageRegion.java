package dev.cairn.engine;

import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.Words;
import dev.cairn.log.Draft;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.zip.CRC32C;

/** The bytes of one region of a damaged file, and what of them are sound records. */
final class SalvageRegion {
    private static final byte[] NOTHING = {};
    private static final int COPY_BYTES = 1 << 16;

    private final SalvageSource source;
    private final int stripe;
    private final byte[] bytes;
    private long regionAt;
    private long number;
    private int end;

    SalvageRegion(SalvageSource source, int stripe) {
        this.source = source;
        this.stripe = stripe;
        this.bytes = new byte[source.header().regionBytes()];
    }

    /** Reads a region up to there. */
    void read(SalvageChain.Member member, int to) {
        regionAt = source.header().regionAt(member.region());
        number = member.number();
        end = to;
        source.read(regionAt, bytes, to);
    }

    /** Where records end. */
    int end() {
        return end;
    }

    /** Whether there is room for a record; at a region's end there may be less. */
    boolean hasRoom(int at) {
        return at < end && (end < bytes.length || end - at >= RecordLayout.MIN_BYTES);
    }

    /**
     * A record whose checksum is right.
     *
     * @param at where in the region
     * @param length its bytes there
     * @param run null if it has none
     */
    record Found(
            int at,
            int length,
            long version,
            int kind,
            int flags,
            int keyLength,
            int valueLength,
            long expires,
            @Nullable Run run) {
        boolean is(int flag) {
            return (flags & flag) != 0;
        }
    }

    /** A record's reference to a run; see {@link dev.cairn.log.Chain.Run}. */
    record Run(long word, long number, int crc, int keyCrc) {}

    /** The bytes of a key and of its value. */
    @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
    record Content(byte[] key, byte[] value) {}

    /** The record that begins there; null unless its checksum is right. */
    @Nullable Found at(int at) {
        int length = plausibleLength(at);
        if (length == 0) {
            return null;
        }
        long control = Words.plain(bytes, at + RecordLayout.CRC);
        int kind = RecordLayout.kind(control);
        int crc = Words.intPlain(bytes, at + RecordLayout.CRC);
        Words.setIntPlain(bytes, at + RecordLayout.CRC, 0);
        CRC32C computed = identity(number, offset(at));
        computed.update(
                bytes, at, kind == RecordLayout.FILLER ? RecordLayout.HEADER_BYTES : length);
        Words.setIntPlain(bytes, at + RecordLayout.CRC, crc);
        return (int) computed.getValue() == crc ? found(at, length, kind) : null;
    }

    private @Nullable Found found(int at, int length, int kind) {
        int flags = RecordLayout.flags(Words.plain(bytes, at + RecordLayout.CRC));
        long lengths = Words.plain(bytes, at + RecordLayout.KEY_LENGTH);
        int keyLength = RecordLayout.keyLength(lengths);
        int valueLength = RecordLayout.valueLength(lengths);
        boolean expires = (flags & RecordLayout.EXPIRES) != 0;
        int regions =
                kind == RecordLayout.FILLER
                        ? 0
                        : Draft.runRegions(flags, keyLength, valueLength, bytes.length);
        Run run = null;
        if (regions > 0) {
            int runAt = at + RecordLayout.runAt(flags);
            run =
                    new Run(
                            Words.plain(bytes, runAt + RecordLayout.RUN_WORD),
                            Words.plain(bytes, runAt + RecordLayout.RUN_NUMBER),
                            Words.intPlain(bytes, runAt + RecordLayout.RUN_CRC),
                            Words.intPlain(bytes, runAt + RecordLayout.RUN_KEY_CRC));
            if (Place.low(run.word) != regions) {
                return null;
            }
        }
        return new Found(
                at,
                length,
                Words.plain(bytes, at + RecordLayout.VERSION),
                kind,
                flags,
                keyLength,
                valueLength,
                expires ? Words.plain(bytes, at + RecordLayout.HEADER_BYTES) : 0,
                run);
    }

    /** The length of the record that may begin there, by what its header says; 0 if none can. */
    private int plausibleLength(int at) {
        if (end - at < RecordLayout.MIN_BYTES) {
            return 0;
        }
        long control = Words.plain(bytes, at + RecordLayout.CRC);
        long lengths = Words.plain(bytes, at + RecordLayout.KEY_LENGTH);
        if (!RecordLayout.plausible(control, lengths)) {
            return 0;
        }
        long length =
                RecordLayout.bytes(
                        RecordLayout.flags(control),
                        RecordLayout.keyLength(lengths),
                        RecordLayout.valueLength(lengths));
        return length <= end - at ? (int) length : 0;
    }

    /**
     * What may be the key of a record that is destroyed.
     *
     * @param length of the record, as its header says
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
    record Remains(int length, byte @Nullable [] key, long version) {}

    /** What is left of a destroyed record that began there; null if its header is none. */
    @Nullable Remains remainsAt(int at) {
        int length = plausibleLength(at);
        if (length == 0) {
            return null;
        }
        long control = Words.plain(bytes, at + RecordLayout.CRC);
        int flags = RecordLayout.flags(control);
        int keyLength = RecordLayout.keyLength(Words.plain(bytes, at + RecordLayout.KEY_LENGTH));
        boolean legible =
                RecordLayout.kind(control) == RecordLayout.PUT
                        && (flags & RecordLayout.KEY_IN_RUN) == 0;
        int keyAt = at + RecordLayout.HEADER_BYTES + RecordLayout.extensionBytes(flags);
        return new Remains(
                length,
                legible ? Arrays.copyOfRange(bytes, keyAt, keyAt + keyLength) : null,
                Words.plain(bytes, at + RecordLayout.VERSION));
    }

    /** The offset in the file of a place in the region. */
    long offset(int at) {
        return regionAt + at;
    }

    /** The key of a record; null if it lies in a run that is not what the record says. */
    byte @Nullable [] key(Found record) {
        if (!record.is(RecordLayout.KEY_IN_RUN)) {
            int at =
                    record.at
                            + RecordLayout.HEADER_BYTES
                            + RecordLayout.extensionBytes(record.flags);
            return Arrays.copyOfRange(bytes, at, at + record.keyLength);
        }
        Content content = runContent(record, false);
        return content == null ? null : content.key;
    }

    /** Whether a record that was sound when it was read has this key. */
    boolean hasKey(long offset, byte[] key) {
        byte[] start = new byte[RecordLayout.MIN_BYTES + RecordLayout.RUN_BYTES];
        source.read(offset, start, start.length);
        int flags = RecordLayout.flags(Words.plain(start, RecordLayout.CRC));
        if (RecordLayout.keyLength(Words.plain(start, RecordLayout.KEY_LENGTH)) != key.length) {
            return false;
        }
        long at = offset + RecordLayout.HEADER_BYTES + RecordLayout.extensionBytes(flags);
        if ((flags & RecordLayout.KEY_IN_RUN) != 0) {
            long run = Words.plain(start, RecordLayout.runAt(flags) + RecordLayout.RUN_WORD);
            at = source.header().regionAt(Place.region(run)) + RegionHeader.BYTES;
        }
        byte[] found = new byte[key.length];
        source.read(at, found, found.length);
        return Arrays.equals(found, key);
    }

    /** Key and value of a record; null if its run is not what the record says. */
    @Nullable Content content(Found record) {
        if (record.run != null) {
            return runContent(record, true);
        }
        byte[] key = key(record);
        int at =
                record.at
                        + RecordLayout.HEADER_BYTES
                        + RecordLayout.extensionBytes(record.flags)
                        + record.keyLength;
        return key == null
                ? null
                : new Content(key, Arrays.copyOfRange(bytes, at, at + record.valueLength));
    }

    /** The run's header is not needed: number and place stand in the checksum of its content. */
    private @Nullable Content runContent(Found record, boolean wantsValue) {
        Run run = record.run;
        if (run == null) {
            return null;
        }
        boolean keyInRun = record.is(RecordLayout.KEY_IN_RUN);
        boolean valueInRun = record.is(RecordLayout.VALUE_IN_RUN);
        long first = Place.region(run.word);
        long last = first + Place.low(run.word) - 1;
        if (!source.has(first) || !source.has(last)) {
            return null;
        }
        long offset = source.header().regionAt(first);
        CRC32C crc = identity(run.number, offset);
        long at = offset + RegionHeader.BYTES;
        byte[] key;
        if (keyInRun) {
            key = read(at, new byte[record.keyLength], crc);
            at += key.length;
        } else {
            key = key(record);
        }
        byte[] value = NOTHING;
        if (valueInRun && wantsValue) {
            value = read(at, new byte[record.valueLength], crc);
        } else if (valueInRun) {
            skip(at, record.valueLength, crc);
        } else if (wantsValue) {
            int valueAt =
                    record.at
                            + RecordLayout.HEADER_BYTES
                            + RecordLayout.extensionBytes(record.flags);
            value = Arrays.copyOfRange(bytes, valueAt, valueAt + record.valueLength);
        }
        return key != null && (int) crc.getValue() == run.crc ? new Content(key, value) : null;
    }

    private byte[] read(long at, byte[] to, CRC32C crc) {
        source.read(at, to, to.length);
        crc.update(to);
        return to;
    }

    private void skip(long at, int length, CRC32C crc) {
        byte[] buffer = new byte[Math.min(COPY_BYTES, length)];
        for (int done = 0; done < length; done += buffer.length) {
            int bytesNow = Math.min(buffer.length, length - done);
            source.read(at + done, buffer, bytesNow);
            crc.update(buffer, 0, bytesNow);
        }
    }

    private CRC32C identity(long ofNumber, long offset) {
        byte[] identity = new byte[RecordLayout.IDENTITY_BYTES];
        RecordLayout.identity(identity, source.header().storeId(), stripe, ofNumber, offset);
        CRC32C crc = new CRC32C();
        crc.update(identity);
        return crc;
    }
}
