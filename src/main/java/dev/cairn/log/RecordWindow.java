package dev.cairn.log;

import dev.cairn.CorruptStore;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A few records of a region that stand one behind the other: copied at once, their checksums compared,
 * and of the puts among them what cleaning goes by. For one thread at a time.
 *
 * <p>It ends before a record whose key lies in a run, which it leaves to {@link Chain}; but for that it
 * holds at least one record if there is another.
 */
public final class RecordWindow {
    /** Bytes that are read at once: a page. */
    private static final int BYTES = 4096;

    /** The most that a record's header takes, with what follows it before key and value. */
    private static final int MOST_HEADER_BYTES =
            RecordLayout.HEADER_BYTES + RecordLayout.EXPIRY_BYTES + RecordLayout.RUN_BYTES;

    private final DataFile data;
    private final RecordBytes records;
    private final int stripe;
    private final List<Put> puts = new ArrayList<>();
    private byte[] buffer = new byte[BYTES];
    private long start;
    private int bytes;
    private long recordBytes;

    /** A put and where it stands in the buffer. */
    private record Put(RecordBytes.Header header, int at) {}

    public RecordWindow(DataFile data, int stripe) {
        this.data = data;
        this.records = data.recordBytes();
        this.stripe = stripe;
    }

    /**
     * Reads on; under the stripe's lock, in a region of its chain that is not the tail.
     *
     * @param number the region's allocation number
     * @param from where in the region the first record begins
     * @throws CorruptStore if what stands there is no record
     */
    public void read(long region, long number, int from) {
        start = data.regionAt(region) + from;
        puts.clear();
        bytes = 0;
        recordBytes = 0;
        int rest = data.regionBytes() - from;
        int filled = fill(Math.min(BYTES, rest), 0);
        while (rest - bytes >= RecordLayout.MIN_BYTES) {
            if (bytes > 0 && filled < rest && filled - bytes < MOST_HEADER_BYTES) {
                return; // the next window begins with it
            }
            RecordBytes.Header header = records.header(buffer, bytes, rest - bytes);
            if (header == null) {
                throw noRecord(RecordBytes.whyNone(buffer, bytes, rest - bytes));
            }
            boolean filler = header.kind() == RecordLayout.FILLER;
            if (header.is(RecordLayout.KEY_IN_RUN) && !filler) {
                return;
            }
            if (!filler && bytes + header.bytes() > filled) {
                if (bytes > 0) {
                    return;
                }
                filled = fill(header.bytes(), filled);
            }
            requireChecksum(header, number);
            if (!filler) {
                recordBytes += header.bytes();
            }
            if (header.kind() == RecordLayout.PUT) {
                puts.add(new Put(header, bytes));
            }
            bytes += header.bytes();
        }
        bytes = rest;
    }

    private int fill(int length, int have) {
        if (buffer.length < length) {
            buffer = Arrays.copyOf(buffer, length);
        }
        MemorySegment.copy(
                data.covering(start, length),
                ValueLayout.JAVA_BYTE,
                start + have,
                buffer,
                have,
                length - have);
        return length;
    }

    private void requireChecksum(RecordBytes.Header header, long number) {
        int computed = records.checksumOf(header, stripe, number, start + bytes, buffer, bytes);
        if (computed != header.checksum()) {
            throw noRecord(
                    "checksum 0x%08x over bytes with 0x%08x"
                            .formatted(header.checksum(), computed));
        }
    }

    private CorruptStore noRecord(String found) {
        return new CorruptStore(data.path(), start + bytes, "a record of stripe " + stripe, found);
    }

    /** Bytes of the region that were read. */
    public int bytes() {
        return bytes;
    }

    /** Bytes of the records among them, fillers left out. */
    public long recordBytes() {
        return recordBytes;
    }

    /** The number of puts; the methods below take one from 0 to it. */
    public int puts() {
        return puts.size();
    }

    /** Where in the file a put stands. */
    public long offset(int put) {
        return start + puts.get(put).at;
    }

    /** How often a put says that it was overwritten where it lies. */
    public int overwrites(int put) {
        return puts.get(put).header.overwrites();
    }

    /** Bytes of a put in its region. */
    public int length(int put) {
        return puts.get(put).header.bytes();
    }

    /** What a cache knows of a put's use. */
    public int heat(int put) {
        return puts.get(put).header.heat();
    }

    /** Whether a put has a run. */
    public boolean hasRun(int put) {
        return puts.get(put).header.run() != null;
    }

    /** Bytes of a put with its run. */
    public long liveBytes(int put) {
        RecordBytes.Run run = puts.get(put).header.run();
        return length(put) + (run == null ? 0 : Place.low(run.word()) * data.regionBytes());
    }

    /** Whether a put was moved here. */
    public boolean isCopy(int put) {
        return puts.get(put).header.is(RecordLayout.MOVED);
    }

    /** When a put expires, in milliseconds since 1970; 0 never. */
    public long expires(int put) {
        return puts.get(put).header.expires();
    }

    /** The array that has the keys. */
    public byte[] array() {
        return buffer;
    }

    /** Where in the array a put's key begins. */
    public int keyAt(int put) {
        return puts.get(put).at + puts.get(put).header.keyAt();
    }

    public int keyLength(int put) {
        return puts.get(put).header.keyLength();
    }

    /**
     * Writes the copy of a put, marked as moved, for another place.
     *
     * @param to the array that gets it
     * @param at where in it
     * @param number allocation number of the region where the copy will stand
     * @param offset where in the file it will stand
     * @param heat of the copy
     */
    public void copy(int put, byte[] to, int at, long number, long offset, int heat) {
        Put it = puts.get(put);
        System.arraycopy(buffer, it.at, to, at, it.header.bytes());
        records.move(it.header, heat, stripe, number, offset, to, at);
    }
}
