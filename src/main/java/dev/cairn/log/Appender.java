package dev.cairn.log;

import static dev.cairn.format.RecordLayout.IDENTITY_BYTES;

import dev.cairn.CorruptStore;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.UUID;

/**
 * Writes records behind the tail of one stripe's log; the caller holds the stripe's lock. What it
 * writes does not exist before the commit moves the tail word over it (RULES 1, 3). The exception
 * is a record that it overwrites in place, with an image that it staged behind the tail: see {@code
 * stripe.Tail}. If a writer failed or was killed and left bytes behind the tail, no writer writes
 * there again: see {@code stripe.Renewal}.
 */
public final class Appender {
    private static final byte[] PADDING = new byte[Place.UNIT_BYTES];

    /** Enough for a filler, and for most records. */
    private static final int LEAST_SCRATCH_BYTES = 256;

    /** A longer record is assembled, checksummed and stored in pieces. */
    private static final int MOST_SCRATCH_BYTES = 16 << 10;

    /**
     * The greatest size in bytes of a record that is overwritten in place: its image is assembled
     * in one piece.
     */
    public static final int MOST_STAGED_BYTES = MOST_SCRATCH_BYTES - IDENTITY_BYTES;

    private static final int MOST_TOUCHED = 256;
    private static final int LINE_BYTES = 64;

    private final DataFile data;
    private final Regions regions;
    private final StripeWords stripe;
    private final int index;
    private final UUID storeId;
    private final Records records;
    private final RecordBytes recordBytes;
    private final RecordBytes.Sum sum = new RecordBytes.Sum();
    private final @Nullable Marks marks;

    /** The tail in this hold of the stripe's lock, as the next field. */
    private long tail;

    private long tailNumber;

    /**
     * The tail word behind which something was or is to be written; guarded by the stripe's lock.
     */
    private long writtenBehind;

    /**
     * The buffer in which a record is assembled. The checksum is computed over these bytes, and
     * these bytes are stored, even if the caller changes its array meanwhile. It is guarded by the
     * stripe's lock, as the next three fields are.
     */
    private byte[] scratch = new byte[LEAST_SCRATCH_BYTES];

    /** The number of bytes in the buffer. */
    private int filled;

    /** The bytes before this index are checksummed and not stored. */
    private int storedFrom;

    /** The offset in the file of the first byte that is stored. */
    private long storedAt;

    public Appender(
            DataFile data, Records records, Regions regions, StripeWords stripe, int index) {
        this.data = data;
        this.records = records;
        this.regions = regions;
        this.stripe = stripe;
        this.index = index;
        this.storeId = data.header().storeId();
        this.recordBytes = data.recordBytes();
        this.marks = data.marks();
    }

    /**
     * The place of a record, and the ends of the stripe's log after it.
     *
     * @param offset the offset of the record in the file
     * @param tail the tail word after the record
     * @param tailNumber the allocation number of its region
     * @param oldest the first region of the chain plus one
     * @param oldestNumber its allocation number
     * @param run the record's run, 0 if it has none
     * @param runNumber the run's allocation number
     * @param fold null unless the tail region was folded into the new one
     */
    public record Placement(
            long offset,
            long tail,
            long tailNumber,
            long oldest,
            long oldestNumber,
            long run,
            long runNumber,
            @Nullable Fold fold) {}

    /**
     * A tail region that is mostly dead, and the records of it that are kept (RULE 26).
     *
     * @param header the header of the region
     * @param keep the live records, in their order
     * @param bytes the bytes of all its records
     */
    public record Fold(RegionHeader header, List<Chain.Entry> keep, long bytes) {
        /** The bytes of the records that are kept. */
        public int keptBytes() {
            return keep.stream().mapToInt(Chain.Entry::bytes).sum();
        }
    }

    /**
     * Loads the tail word. This is done once in a hold of the stripe's lock, and after each commit
     * in it.
     */
    public void loadTail() {
        tail = stripe.acquire(StripeWords.TAIL);
        tailNumber = stripe.acquire(StripeWords.TAIL_NUMBER);
    }

    /** The tail word; the caller holds the stripe's lock, as for the next methods. */
    public long tail() {
        return tail;
    }

    /** The allocation number of the tail's region. */
    public long tailNumber() {
        return tailNumber;
    }

    /** The offset of the tail in the file, if there is a tail. */
    public long offset() {
        return data.regionAt(Place.region(tail)) + Place.bytesInRegion(tail);
    }

    /**
     * Starts to fetch the cache lines behind the tail that this many bytes will take; the tail
     * region must have room for them. A store waits for its line just as a load does. If there are
     * many bytes, the first lines are enough, after which the processor fetches the next ones by
     * itself. The result only keeps the loads alive.
     */
    public long touch(int bytes) {
        int touched = Math.min(bytes, MOST_TOUCHED);
        long from = offset();
        MemorySegment memory = data.covering(from, touched);
        long sum = Words.plain(memory, from + touched - Long.BYTES);
        for (int at = 0; at < touched; at += LINE_BYTES) {
            sum += Words.plain(memory, from + at);
        }
        return sum;
    }

    /** Whether this many bytes need a new tail region. */
    public boolean overflows(int bytes) {
        return tail == 0 || Place.bytesInRegion(tail) + bytes > data.regionBytes();
    }

    /**
     * Finds the place for a new record. If needed, it begins a new region and claims a run.
     *
     * @param fold what to do with the tail region if it overflows; null to leave it in the chain
     * @param use what regions may be claimed for
     * @return null if there is no room. The caller must then release the lock, call {@link
     *     Regions#makeRoom}, and start again.
     */
    public @Nullable Placement reserve(Draft draft, @Nullable Fold fold, Regions.Use use) {
        int runRegions = draft.runRegions(data.regionBytes());
        long run = 0;
        long runNumber = 0;
        if (runRegions > 0) {
            long first = regions.claimRun(stripe, index, runRegions, use);
            if (first < 0) {
                return null;
            }
            run = Place.run(first, runRegions);
            runNumber = stripe.acquire(StripeWords.NEXT_RUN_NUMBER);
        }
        return reserve(draft.bytes(), run, runNumber, fold, use);
    }

    /**
     * Finds a place as {@link #reserve(Draft, Fold, Regions.Use)} does, for a copy of a record,
     * which shares the run of the original.
     */
    public @Nullable Placement reserveCopy(int bytes, @Nullable Fold fold, Regions.Use use) {
        return reserve(bytes, 0, 0, fold, use);
    }

    /** The number of bytes for which the tail region has room; 0 if there is no tail region. */
    public int room() {
        return tail == 0 ? 0 : data.regionBytes() - Place.bytesInRegion(tail);
    }

    /** Stores copies that were assembled elsewhere at the place that was reserved for them. */
    public void storeCopies(Placement placement, byte[] images, int bytes) {
        store(placement.offset, images, bytes);
    }

    /**
     * Copies the live records of the tail region to a new region, which takes its place.
     *
     * @return the place after the copies; null if there is no room
     */
    public @Nullable Placement replaceTail(@Nullable Fold fold, Regions.Use use) {
        return reserve(0, 0, 0, true, fold, use);
    }

    /**
     * Whether bytes without a commit may lie behind the tail, because this process reserved a place
     * there last.
     */
    public boolean mayHaveWritten() {
        return writtenBehind == stripe.acquire(StripeWords.TAIL);
    }

    private @Nullable Placement reserve(
            int bytes, long run, long runNumber, @Nullable Fold fold, Regions.Use use) {
        return reserve(bytes, run, runNumber, overflows(bytes), fold, use);
    }

    private @Nullable Placement reserve(
            int bytes,
            long run,
            long runNumber,
            boolean overflow,
            @Nullable Fold fold,
            Regions.Use use) {
        long oldest = stripe.acquire(StripeWords.OLDEST);
        long oldestNumber = stripe.acquire(StripeWords.OLDEST_NUMBER);
        long from = tail;
        long number = tailNumber;
        Fold folded = null;
        writtenBehind = tail;
        if (overflow) {
            boolean oldestGoes = fold != null && oldest == fold.header.region() + 1;
            long region = roll(fold, oldestGoes, use);
            if (region < 0) {
                return null;
            }
            folded = fold;
            from = Place.tail(region, RegionHeader.BYTES + (fold == null ? 0 : fold.keptBytes()));
            number = stripe.acquire(StripeWords.NEXT_NUMBER);
            if (oldest == 0 || oldestGoes) {
                oldest = region + 1;
                oldestNumber = number;
            }
        }
        long region = Place.region(from);
        int into = Place.bytesInRegion(from);
        return new Placement(
                data.regionAt(region) + into,
                Place.tail(region, into + bytes),
                number,
                oldest,
                oldestNumber,
                run,
                runNumber,
                folded);
    }

    /** Prepares a new tail region. It takes effect only with the tail word. */
    private long roll(@Nullable Fold fold, boolean oldestGoes, Regions.Use use) {
        long region = regions.claim(stripe, index, use);
        if (region < 0) {
            return -1;
        }
        if (marks != null) {
            marks.clearRegion(region); // before a record can be seen there
        }
        Steps.at("W2 header");
        long predecessor = tail == 0 ? 0 : Place.region(tail) + 1;
        long predecessorNumber = tail == 0 ? 0 : tailNumber;
        if (fold != null) {
            predecessor = oldestGoes ? 0 : fold.header.predecessor();
            predecessorNumber = oldestGoes ? 0 : fold.header.predecessorNumber();
        }
        long number = stripe.acquire(StripeWords.NEXT_NUMBER);
        byte[] header =
                new RegionHeader(region, number, index, 0, predecessor, predecessorNumber)
                        .encode(storeId);
        store(data.regionAt(region), header, header.length);
        if (fold != null) {
            long at = data.regionAt(region) + RegionHeader.BYTES;
            for (Chain.Entry entry : fold.keep) {
                Steps.at("W2 copy");
                copy(entry, fold.header.number(), at, number);
                if (marks != null && marks.isSet(entry.offset())) {
                    marks.set(at);
                }
                at += entry.bytes();
            }
            return region;
        }
        int left = tail == 0 ? 0 : data.regionBytes() - Place.bytesInRegion(tail);
        if (left >= RecordLayout.MIN_BYTES) {
            Steps.at("W2 filler");
            fill(data.regionAt(Place.region(tail)) + Place.bytesInRegion(tail), left, tailNumber);
        }
        return region;
    }

    /**
     * Writes a copy of a record, marked as moved, to another place. It compares the original's
     * checksum first, so that damaged bytes do not get a right checksum.
     *
     * @param entry a record in a region of this stripe that is in the chain
     * @param number that region's allocation number
     * @param to the offset of the copy
     * @param toNumber the allocation number of the copy's region
     * @throws CorruptStore if the original is damaged
     */
    public void copy(Chain.Entry entry, long number, long to, long toNumber) {
        byte[] image = recordBytes.image(index, number, entry.offset(), entry.bytes());
        MemorySegment.copy(
                data.covering(entry.offset(), entry.bytes()),
                ValueLayout.JAVA_BYTE,
                entry.offset(),
                image,
                IDENTITY_BYTES,
                entry.bytes());
        int found = RecordBytes.checksumIn(image);
        int expected = RecordBytes.checksumOf(image);
        if (expected != found) {
            throw new CorruptStore(
                    data.path(),
                    entry.offset(),
                    "a record with checksum 0x%08x".formatted(expected),
                    "0x%08x".formatted(found));
        }
        recordBytes.move(image, index, toNumber, to);
        MemorySegment memory = data.covering(to, entry.bytes());
        data.file().store(memory, to, image, IDENTITY_BYTES, entry.bytes());
    }

    private void fill(long offset, int bytes, long number) {
        recordBytes.identify(scratch, index, number, offset);
        int stored = RecordBytes.putFiller(scratch, bytes) - IDENTITY_BYTES;
        data.file().store(data.covering(offset, stored), offset, scratch, IDENTITY_BYTES, stored);
    }

    /**
     * Writes the content of a record, and of its run, to its place. No other thread may have the
     * key array. If another thread changes the value meanwhile, the record has some mixture of its
     * bytes, with a right checksum.
     */
    public void write(Draft draft, Placement placement, long version) {
        RecordBytes.Run run = placement.run == 0 ? null : writeRun(draft, placement);
        write(draft, version, run, 0, placement.tailNumber, placement.offset, placement.offset);
    }

    /** Writes a record without a run at the tail, whose region has room for it. */
    public void writeAtTail(Draft draft, long version) {
        writtenBehind = tail;
        write(draft, version, null, 0, tailNumber, offset(), offset());
    }

    /**
     * Writes the image of a record that is to overwrite another one. The image goes behind the
     * tail, whose region has room for it. It is at most {@link #MOST_STAGED_BYTES} long.
     *
     * @param overwrites how many times the other record was overwritten, including this time
     * @param number the allocation number of the other record's region
     * @param place the offset of the other record
     */
    public void stage(Draft draft, long version, int overwrites, long number, long place) {
        writtenBehind = tail;
        int bytes = draft.bytes();
        // if a page cannot be stored to, it is an error here; after the commit it would be one for
        // ever
        data.file().storeAhead(data.covering(place, bytes), place, place + bytes);
        write(draft, version, null, overwrites, number, place, offset());
    }

    /** Stores the image that was last staged at its final place. */
    public void storeStaged(long place, int bytes) {
        MemorySegment memory = data.covering(place, bytes);
        data.file().store(memory, place, scratch, IDENTITY_BYTES, bytes);
    }

    /**
     * Stores an image that another writer staged behind the tail at its final place, if its
     * checksum says that it belongs there. It does not if the page of the image was lost: the
     * record at the final place may be whole.
     *
     * @param place the offset of the record that is overwritten
     * @param version the version that the record must get
     */
    public void storeStagedByOther(long place, long version) {
        long from = offset();
        Records.Outline staged = records.outline(from);
        if (staged == null || staged.version() != version || staged.bytes() > MOST_STAGED_BYTES) {
            return;
        }
        int bytes = staged.bytes();
        byte[] image = recordBytes.image(index, data.number(data.regionOf(place)), place, bytes);
        MemorySegment.copy(
                data.covering(from, bytes),
                ValueLayout.JAVA_BYTE,
                from,
                image,
                IDENTITY_BYTES,
                bytes);
        if (RecordBytes.checksumOf(image) == RecordBytes.checksumIn(image)) {
            data.file().store(data.covering(place, bytes), place, image, IDENTITY_BYTES, bytes);
        }
    }

    /**
     * Writes a record in one piece or several.
     *
     * @param number the allocation number of the region for which it is meant
     * @param place the offset for which it is meant
     * @param to the offset at which it is stored
     */
    private void write(
            Draft draft,
            long version,
            RecordBytes.@Nullable Run run,
            int overwrites,
            long number,
            long place,
            long to) {
        int flags = draft.flags();
        int bytes = draft.bytes();
        begin(number, place, bytes);
        storedAt = to;
        filled = RecordBytes.putHeader(scratch, draft, version, run, overwrites);
        MemorySegment memory = data.covering(to, bytes);
        if ((flags & RecordLayout.KEY_IN_RUN) == 0) {
            add(memory, draft.key(), draft.key().length);
        }
        if ((flags & RecordLayout.VALUE_IN_RUN) == 0) {
            add(memory, draft.value(), draft.value().length);
        }
        add(memory, PADDING, (int) (to + bytes - storedAt) - (filled - storedFrom));
        boolean onePiece = storedAt == to;
        sum.add(scratch, 0, filled);
        if (onePiece) {
            RecordBytes.putChecksum(scratch, sum.value());
        }
        storePiece(memory);
        if (!onePiece) {
            RecordBytes.putChecksum(memory, to, sum.value());
        }
    }

    private RecordBytes.Run writeRun(Draft draft, Placement placement) {
        long region = Place.region(placement.run);
        long offset = data.regionAt(region);
        byte[] header =
                new RegionHeader(
                                region,
                                placement.runNumber,
                                index,
                                (int) Place.low(placement.run),
                                0,
                                0)
                        .encode(storeId);
        store(offset, header, header.length);
        Steps.at("W3 run");
        MemorySegment memory = data.covering(offset, Place.low(placement.run) * data.regionBytes());
        begin(placement.runNumber, offset, MOST_SCRATCH_BYTES);
        storedAt = offset + RegionHeader.BYTES;
        if ((draft.flags() & RecordLayout.KEY_IN_RUN) != 0) {
            add(memory, draft.key(), draft.key().length);
        }
        if ((draft.flags() & RecordLayout.VALUE_IN_RUN) != 0) {
            add(memory, draft.value(), draft.value().length);
        }
        sum.add(scratch, 0, filled);
        storePiece(memory);
        return new RecordBytes.Run(
                placement.run,
                placement.runNumber,
                sum.value(),
                RecordBytes.keyChecksum(draft.key()),
                draft.runContentBytes(),
                (draft.flags() & RecordLayout.KEY_IN_RUN) != 0);
    }

    /** Begins the buffer with the identity, which the checksum covers before the stored bytes. */
    private void begin(long number, long offset, int bytes) {
        int wanted = Math.min(IDENTITY_BYTES + bytes, MOST_SCRATCH_BYTES);
        if (scratch.length < wanted) {
            scratch = new byte[Math.min(MOST_SCRATCH_BYTES, 2 * wanted)];
        }
        recordBytes.identify(scratch, index, number, offset);
        sum.reset();
        filled = IDENTITY_BYTES;
        storedFrom = IDENTITY_BYTES;
        storedAt = offset;
    }

    /** Adds to the buffer. Each time the buffer is full, it is checksummed and stored. */
    private void add(MemorySegment memory, byte[] bytes, int count) {
        for (int from = 0; from < count; ) {
            if (filled == scratch.length) {
                sum.add(scratch, 0, filled);
                storePiece(memory);
            }
            int piece = Math.min(count - from, scratch.length - filled);
            System.arraycopy(bytes, from, scratch, filled, piece);
            filled += piece;
            from += piece;
        }
    }

    private void storePiece(MemorySegment memory) {
        int piece = filled - storedFrom;
        data.file().store(memory, storedAt, scratch, storedFrom, piece);
        storedAt += piece;
        storedFrom = 0;
        filled = 0;
    }

    private void store(long offset, byte[] bytes, int length) {
        data.file().store(data.covering(offset, length), offset, bytes, 0, length);
    }
}
