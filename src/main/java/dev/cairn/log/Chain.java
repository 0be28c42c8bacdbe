package dev.cairn.log;

import dev.cairn.CorruptStore;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The regions of a stripe from its oldest to its tail, and the records in them. Recovery and
 * verification read them. Every checksum is compared before a byte is used, over copies on the
 * heap.
 */
public final class Chain {
    private static final int COPY_BYTES = 1 << 16;
    private static final byte[] NO_KEY = {};

    private final DataFile data;
    private final int stripe;
    private final long tail;
    private final List<RegionHeader> regions;

    private Chain(DataFile data, int stripe, long tail, List<RegionHeader> regions) {
        this.data = data;
        this.stripe = stripe;
        this.tail = tail;
        this.regions = regions;
    }

    /**
     * A record whose checksum was right.
     *
     * @param offset its offset in the file
     * @param bytes the bytes that it takes there
     * @param key its key; empty if that is gone
     * @param liveBytes {@link #bytes} and the bytes of its run
     * @param overwrites how many times it was overwritten in place
     * @param run its run, null if it has none
     * @param gone whether its key lay in a run that belongs to another record by now. That can
     *     happen once the record was superseded: {@link LargeKeys} tells whether it was.
     */
    public record Entry(
            long offset,
            int bytes,
            long version,
            int kind,
            byte[] key,
            long expires,
            long liveBytes,
            int overwrites,
            RecordBytes.@Nullable Run run,
            boolean gone) {}

    /** Gets records in the order of their places. */
    public interface Visitor {
        void record(Entry entry);
    }

    /** Gets records in the order of their places, until it has enough. */
    public interface BoundedVisitor {
        /** Takes a record; returns whether it takes more. */
        boolean take(Entry entry);
    }

    /**
     * Follows a stripe's chain from its tail back to its oldest region.
     *
     * @throws CorruptStore if a region is not what the next one says
     */
    public static Chain follow(DataFile data, int stripe, Cut cut) {
        List<RegionHeader> regions = new ArrayList<>();
        if (cut.tail() == 0) {
            return new Chain(data, stripe, 0, regions);
        }
        long region = Place.region(cut.tail());
        long number = cut.tailNumber();
        while (true) {
            RegionHeader header = header(data, stripe, region, number, 0);
            regions.add(header);
            if (region + 1 == cut.oldest() && number == cut.oldestNumber()) {
                return new Chain(data, stripe, cut.tail(), regions.reversed());
            }
            if (header.predecessor() == 0 || header.predecessorNumber() >= number) {
                throw new CorruptStore(
                        data.path(),
                        data.regionAt(region),
                        "a region whose predecessor leads to region %d, the oldest of stripe %d"
                                .formatted(cut.oldest() - 1, stripe),
                        "region %d, number %d"
                                .formatted(header.predecessor() - 1, header.predecessorNumber()));
            }
            region = header.predecessor() - 1;
            number = header.predecessorNumber();
        }
    }

    /**
     * One region of a chain by itself, up to its end or to the tail in it.
     *
     * @param end the tail word, or a tail word for the region's end
     */
    public static Chain region(DataFile data, int stripe, long region, long number, long end) {
        RegionHeader header = header(data, stripe, region, number, 0);
        return new Chain(data, stripe, end, List.of(header));
    }

    /**
     * Follows a stripe's chain from its tail back to the end of an earlier cut, which is all that
     * {@link #forEachBehind} reads.
     *
     * @throws CorruptStore if a region is not what the next one says
     */
    public static Chain followBehind(DataFile data, int stripe, Cut now, Cut earlier) {
        List<RegionHeader> regions = new ArrayList<>();
        if (now.tail() == 0) {
            return new Chain(data, stripe, 0, regions);
        }
        long region = Place.region(now.tail());
        long number = now.tailNumber();
        while (number >= earlier.tailNumber()) {
            RegionHeader header = header(data, stripe, region, number, 0);
            regions.add(header);
            boolean last = region + 1 == now.oldest() && number == now.oldestNumber();
            if (last || header.predecessor() == 0 || header.predecessorNumber() >= number) {
                break;
            }
            region = header.predecessor() - 1;
            number = header.predecessorNumber();
        }
        return new Chain(data, stripe, now.tail(), regions.reversed());
    }

    private static RegionHeader header(
            DataFile data, int stripe, long region, long number, int runRegions) {
        if (region < 0 || region >= data.regions()) {
            throw wrongHeader(
                    data, -1, stripe, region, number, "a file of " + data.regions() + " regions");
        }
        byte[] bytes = new byte[RegionHeader.BYTES];
        copy(data, data.regionAt(region), bytes, bytes.length);
        RegionHeader header = RegionHeader.decode(bytes, data.header().storeId(), region);
        if (header == null
                || header.stripe() != stripe
                || header.number() != number
                || header.runRegions() != runRegions) {
            throw wrongHeader(
                    data,
                    data.regionAt(region),
                    stripe,
                    region,
                    number,
                    header == null ? "bytes without a valid checksum" : header.toString());
        }
        return header;
    }

    /**
     * The header of a region of a chain.
     *
     * @throws CorruptStore if it is not what another header says
     */
    static RegionHeader header(DataFile data, int stripe, long region, long number) {
        return header(data, stripe, region, number, 0);
    }

    /** The header of a region of a chain; null if the region has another life by now. */
    static @Nullable RegionHeader aliveHeader(DataFile data, int stripe, long region, long number) {
        return data.stripeOf(region) == stripe && data.number(region) == number
                ? header(data, stripe, region, number, 0)
                : null;
    }

    /** The error for a region that does not lead to an earlier one. */
    static CorruptStore noChain(DataFile data, int stripe, RegionHeader header) {
        return new CorruptStore(
                data.path(),
                data.regionAt(header.region()),
                "a region whose predecessor is an earlier one of stripe %d".formatted(stripe),
                "region %d, number %d"
                        .formatted(header.predecessor() - 1, header.predecessorNumber()));
    }

    private static CorruptStore wrongHeader(
            DataFile data, long at, int stripe, long region, long number, String found) {
        return new CorruptStore(
                data.path(),
                at,
                "the header of region %d of stripe %d, number %d".formatted(region, stripe, number),
                found);
    }

    private static void copy(DataFile data, long at, byte[] to, int length) {
        MemorySegment.copy(data.covering(at, length), ValueLayout.JAVA_BYTE, at, to, 0, length);
    }

    public List<RegionHeader> regions() {
        return regions;
    }

    /** Reads all records. */
    public void forEach(Visitor visitor) {
        forEachBehind(Cut.EMPTY, visitor);
    }

    /**
     * Reads the records behind the tail of an earlier cut; it reads all records if that tail's
     * region is not in the chain.
     *
     * @throws CorruptStore at the first byte that belongs to no valid record (RULE 1)
     */
    public void forEachBehind(Cut cut, Visitor visitor) {
        byte[] buffer = new byte[data.regionBytes()];
        int start = 0;
        for (int i = 0; i < regions.size(); i++) {
            if (regions.get(i).number() == cut.tailNumber() && cut.tail() != 0) {
                start = i;
            }
        }
        for (int i = start; i < regions.size(); i++) {
            RegionHeader region = regions.get(i);
            boolean last = i == regions.size() - 1;
            boolean cutHere = cut.tail() != 0 && region.number() == cut.tailNumber();
            readRegion(
                    region,
                    buffer,
                    cutHere ? Place.bytesInRegion(cut.tail()) : RegionHeader.BYTES,
                    last ? Place.bytesInRegion(tail) : data.regionBytes(),
                    visitor);
        }
    }

    private void readRegion(RegionHeader region, byte[] buffer, int from, int to, Visitor visitor) {
        requireTail(region, from, to);
        copy(data, data.regionAt(region.region()), buffer, to);
        for (int at = from; hasRecord(at, to); ) {
            at += visit(entry(region, buffer, 0, at, to), visitor);
        }
    }

    private void requireTail(RegionHeader region, int from, int to) {
        if (to > data.regionBytes() || from < RegionHeader.BYTES || from > to) {
            throw new CorruptStore(
                    data.path(),
                    data.regionAt(region.region()),
                    "a tail within the region",
                    from + " to " + to);
        }
    }

    /**
     * Whether there may be a record. At the end of a region there may be less space than a record
     * takes.
     */
    private boolean hasRecord(int at, int to) {
        return at < to && (to < data.regionBytes() || to - at >= RecordLayout.MIN_BYTES);
    }

    private static int visit(Entry entry, Visitor visitor) {
        if (entry.kind != RecordLayout.FILLER) {
            visitor.record(entry);
        }
        return entry.bytes;
    }

    /**
     * Reads some records of the chain's last region.
     *
     * @param from the offset in the region of the first record
     * @param bytes about how many bytes to read
     * @return the offset in the region of the next record, or one at which there is none
     */
    public int forEachFrom(int from, int bytes, Visitor visitor) {
        return takeFrom(
                from,
                bytes,
                entry -> {
                    visitor.record(entry);
                    return true;
                });
    }

    /**
     * Reads records as {@link #forEachFrom} does, but the returned offset is that after the record
     * with which the taker had enough.
     */
    public int takeFrom(int from, int bytes, BoundedVisitor taker) {
        RegionHeader region = regions.getLast();
        int to = Place.bytesInRegion(tail);
        requireTail(region, from, to);
        int end = Math.min(to, from + bytes);
        byte[] buffer = window(region, from, end);
        int at = from;
        while (hasRecord(at, to) && at < end) {
            int record =
                    end - at < RecordLayout.HEADER_BYTES ? to : at + bytesSaid(buffer, at - from);
            if (record > end) {
                if (at > from) {
                    return at;
                }
                end = to; // the first record is longer than the window
                buffer = window(region, from, end);
            }
            Entry entry = entry(region, buffer, from, at, to);
            at += entry.bytes;
            if (entry.kind != RecordLayout.FILLER && !taker.take(entry)) {
                return at;
            }
        }
        return at;
    }

    /** Whether {@link #forEachFrom} would read anything from that offset. */
    public boolean hasRecordAt(int from) {
        return hasRecord(from, Place.bytesInRegion(tail));
    }

    private byte[] window(RegionHeader region, int from, int end) {
        byte[] buffer = new byte[end - from];
        copy(data, data.regionAt(region.region()) + from, buffer, buffer.length);
        return buffer;
    }

    /** The length of the record that begins there; 0 if its lengths cannot be right. */
    private int bytesSaid(byte[] buffer, int at) {
        return Math.clamp(RecordBytes.bytesSaid(buffer, at), 0, data.regionBytes());
    }

    /**
     * @param base the offset in the region at which the buffer begins
     *
     * @param at the offset in the region at which the record begins
     * @param to the offset in the region at which the records end
     */
    private Entry entry(RegionHeader region, byte[] buffer, int base, int at, int to) {
        long offset = data.regionAt(region.region()) + at;
        int in = at - base;
        RecordBytes recordBytes = data.recordBytes();
        RecordBytes.Header header = recordBytes.header(buffer, in, to - at);
        if (header == null) {
            throw notRecord(offset, RecordBytes.whyNone(buffer, in, to - at));
        }
        int computed = recordBytes.checksumOf(header, stripe, region.number(), offset, buffer, in);
        if (computed != header.checksum()) {
            throw notRecord(
                    offset,
                    "a stored checksum 0x%08x, but 0x%08x over the bytes"
                            .formatted(header.checksum(), computed));
        }
        if (header.kind() == RecordLayout.FILLER) {
            return filler(offset, header.bytes());
        }
        RecordBytes.Run run = header.run();
        if (run != null && !recordBytes.liesWithin(run, data.regions())) {
            throw notRecord(
                    offset,
                    "a record whose run 0x%016x lies outside the file".formatted(run.word()));
        }
        boolean gone = false;
        byte[] key = NO_KEY;
        if (!header.is(RecordLayout.KEY_IN_RUN)) {
            int keyAt = in + header.keyAt();
            key = Arrays.copyOfRange(buffer, keyAt, keyAt + header.keyLength());
        } else if (run != null && header.keyLength() <= run.contentBytes()) {
            byte[] inRun = new byte[header.keyLength()];
            gone = checkRun(data, stripe, run, inRun) != null;
            key = gone ? NO_KEY : inRun;
        }
        long runRegions = run == null ? 0 : Place.low(run.word());
        return new Entry(
                offset,
                header.bytes(),
                header.version(),
                header.kind(),
                key,
                header.expires(),
                header.bytes() + runRegions * data.regionBytes(),
                header.overwrites(),
                run,
                gone);
    }

    private static Entry filler(long offset, int bytes) {
        return new Entry(offset, bytes, 0, RecordLayout.FILLER, NO_KEY, 0, 0, 0, null, false);
    }

    private CorruptStore notRecord(long offset, String found) {
        return new CorruptStore(data.path(), offset, "a record of stripe " + stripe, found);
    }

    /**
     * Checks a run as {@link #checkRun(DataFile, int, RecordBytes.Run)} does.
     *
     * @throws CorruptStore if header or checksum are wrong
     */
    public void requireRun(RecordBytes.Run run) {
        CorruptStore damage = checkRun(data, stripe, run);
        if (damage != null) {
            throw damage;
        }
    }

    /**
     * Compares header and checksum of a run.
     *
     * @return null if they are right, otherwise what is wrong
     */
    public static @Nullable CorruptStore checkRun(DataFile data, int stripe, RecordBytes.Run run) {
        return checkRun(data, stripe, run, NO_KEY);
    }

    /**
     * Compares header and checksum of a run.
     *
     * @param start gets the first bytes of the content, over which the checksum was computed
     */
    private static @Nullable CorruptStore checkRun(
            DataFile data, int stripe, RecordBytes.Run run, byte[] start) {
        long region = Place.region(run.word());
        try {
            header(data, stripe, region, run.number(), (int) Place.low(run.word()));
        } catch (CorruptStore e) {
            return e;
        }
        long offset = data.regionAt(region);
        RecordBytes.Sum sum = data.recordBytes().sum(stripe, run.number(), offset);
        byte[] buffer = new byte[COPY_BYTES];
        long at = offset + RegionHeader.BYTES;
        for (long left = run.contentBytes(); left > 0; ) {
            int length = (int) Math.min(left, buffer.length);
            copy(data, at, buffer, length);
            sum.add(buffer, 0, length);
            int into = (int) Math.min(run.contentBytes() - left, start.length);
            System.arraycopy(buffer, 0, start, into, Math.min(length, start.length - into));
            at += length;
            left -= length;
        }
        return sum.value() == run.crc()
                ? null
                : new CorruptStore(
                        data.path(),
                        offset,
                        "a run with checksum 0x%08x".formatted(run.crc()),
                        "0x%08x".formatted(sum.value()));
    }
}
