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
 * A few consecutive records of a region. They are copied at once, and their checksums compared; of
 * the puts among them it keeps what cleaning needs. One thread at a time may use it.
 *
 * <p>It ends before a record whose key lies in a run, which it leaves to {@link Chain}. Apart from
 * that it holds at least one record, if there is one.
 */
public final class RecordWindow {
    /** The number of bytes that are read at once: a page. */
    private static final int BYTES = 4096;

    /** The greatest size of a record's header, with what follows it before key and value. */
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

    /** A put and its position in the buffer. */
    private record Put(RecordBytes.Header header, int at) {}

    public RecordWindow(DataFile data, int stripe) {
        this.data = data;
        this.records = data.recordBytes();
        this.stripe = stripe;
    }

    /**
     * Reads the next records; the caller holds the stripe's lock, and the region is in its chain
     * and is not the tail's.
     *
     * @param number the region's allocation number
     * @param from the offset in the region of the first record
     * @throws CorruptStore if the bytes there are not a record
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
                    "a stored checksum 0x%08x, but 0x%08x over the bytes"
                            .formatted(header.checksum(), computed));
        }
    }

    private CorruptStore noRecord(String found) {
        return new CorruptStore(data.path(), start + bytes, "a record of stripe " + stripe, found);
    }

    /** The number of bytes of the region that were read. */
    public int bytes() {
        return bytes;
    }

    /** The bytes of the records among them, without fillers. */
    public long recordBytes() {
        return recordBytes;
    }

    /** The number of puts; the methods below take a lesser index. */
    public int puts() {
        return puts.size();
    }

    /** The offset of a put in the file. */
    public long offset(int put) {
        return start + puts.get(put).at;
    }

    /** How many times a put was overwritten in place, according to itself. */
    public int overwrites(int put) {
        return puts.get(put).header.overwrites();
    }

    /** The bytes of a put in its region. */
    public int length(int put) {
        return puts.get(put).header.bytes();
    }

    /** What a cache knows about a put's use. */
    public int heat(int put) {
        return puts.get(put).header.heat();
    }

    /** Whether a put has a run. */
    public boolean hasRun(int put) {
        return puts.get(put).header.run() != null;
    }

    /** The bytes of a put with its run. */
    public long liveBytes(int put) {
        RecordBytes.Run run = puts.get(put).header.run();
        return length(put) + (run == null ? 0 : Place.low(run.word()) * data.regionBytes());
    }

    /** Whether a put was moved here. */
    public boolean isCopy(int put) {
        return puts.get(put).header.is(RecordLayout.MOVED);
    }

    /** When a put expires, in milliseconds since 1970; 0 for never. */
    public long expires(int put) {
        return puts.get(put).header.expires();
    }

    /** The array that contains the keys. */
    public byte[] array() {
        return buffer;
    }

    /** The index in the array at which a put's key begins. */
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
     * @param at its index there
     * @param number the allocation number of the copy's region
     * @param offset the offset of the copy in the file
     * @param heat the heat of the copy
     */
    public void copy(int put, byte[] to, int at, long number, long offset, int heat) {
        Put it = puts.get(put);
        System.arraycopy(buffer, it.at, to, at, it.header.bytes());
        records.move(it.header, heat, stripe, number, offset, to, at);
    }
}
