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
 * Writes records behind the tail of one stripe's log, under the stripe's lock. Nothing that it writes
 * exists before the commit moves the tail word over it (RULES 1, 3). Excepted are records that it
 * overwrites where they lie, by an image that it staged behind the tail: see {@code stripe.Tail}.
 * Where a writer that failed or was killed left bytes behind the tail, nobody writes again: see
 * {@code stripe.Renewal}.
 */
public final class Appender {
    private static final byte[] PADDING = new byte[Place.UNIT_BYTES];

    /** Enough for a filler, and for most records. */
    private static final int LEAST_SCRATCH_BYTES = 256;

    /** What is longer is assembled, checksummed and stored in pieces. */
    private static final int MOST_SCRATCH_BYTES = 16 << 10;

    /** Bytes of a record that is overwritten in place at most: its image is assembled in one piece. */
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

    /** As of this hold of the stripe's lock, as the next. */
    private long tail;

    private long tailNumber;

    /** Behind which tail word something was or is to be written; guarded by the stripe's lock. */
    private long writtenBehind;

    /**
     * What is written is assembled here first: the checksum is that of these bytes and these bytes
     * are stored, whatever the caller does to its array meanwhile. Guarded by the stripe's lock, as
     * the next three are.
     */
    private byte[] scratch = new byte[LEAST_SCRATCH_BYTES];

    /** Bytes of the scratch that are used. */
    private int filled;

    /** Those before this one are checksummed and not stored. */
    private int storedFrom;

    /** Where in the file the first that is stored goes. */
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
     * Where a record goes, and the stripe's log once it is there.
     *
     * @param offset of the record in the file
     * @param tail the tail word behind it
     * @param tailNumber allocation number of its region
     * @param oldest first region of the chain plus one
     * @param oldestNumber its allocation number
     * @param run its run, 0 if it has none
     * @param runNumber the run's allocation number
     * @param fold null unless the tail region was folded into the new one
     */
    public record Spot(
            long offset,
            long tail,
            long tailNumber,
            long oldest,
            long oldestNumber,
            long run,
            long runNumber,
            @Nullable Fold fold) {}

    /**
     * A tail region that is mostly dead, and what of it is to be kept (RULE 26).
     *
     * @param header of the region
     * @param keep the records that count, in their order
     * @param bytes of all its records
     */
    public record Fold(RegionHeader header, List<Chain.Entry> keep, long bytes) {
        /** Bytes of what is kept. */
        public int keptBytes() {
            return keep.stream().mapToInt(Chain.Entry::bytes).sum();
        }
    }

    /** Learns where the tail is: once a hold of the stripe's lock, and behind each commit in it. */
    public void loadTail() {
        tail = stripe.acquire(StripeWords.TAIL);
        tailNumber = stripe.acquire(StripeWords.TAIL_NUMBER);
    }

    /** The tail word; under the stripe's lock, as the next. */
    public long tail() {
        return tail;
    }

    /** The allocation number of the tail's region. */
    public long tailNumber() {
        return tailNumber;
    }

    /** Where in the file the tail is, if there is one. */
    public long offset() {
        return data.regionAt(Place.region(tail)) + Place.bytesInRegion(tail);
    }

    /**
     * Starts to fetch the lines behind the tail that so many bytes will take, which the tail region
     * has room for: a store waits for its line no less than a load does. Of many bytes the first lines
     * suffice, behind which the processor fetches the next. The result only keeps the loads alive.
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

    /** Whether so many bytes need a new tail region. */
    public boolean overflows(int bytes) {
        return tail == 0 || Place.bytesInRegion(tail) + bytes > data.regionBytes();
    }

    /**
     * Finds the place for a new record, rolling to a new region and claiming a run where needed.
     *
     * @param fold what to do with the tail region if it overflows; null to leave it in the chain
     * @param use what regions may be claimed for
     * @return null if there is no room: give the lock back, {@link Regions#makeRoom}, start again
     */
    public @Nullable Spot reserve(Draft draft, @Nullable Fold fold, Regions.Use use) {
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

    /** As {@link #reserve(Draft, Fold, Regions.Use)}, for a copy of a record, which shares its run. */
    public @Nullable Spot reserveCopy(int bytes, @Nullable Fold fold, Regions.Use use) {
        return reserve(bytes, 0, 0, fold, use);
    }

    /** Bytes that the tail region has room for, 0 if there is none. */
    public int room() {
        return tail == 0 ? 0 : data.regionBytes() - Place.bytesInRegion(tail);
    }

    /** Stores copies that were made elsewhere, in the place that was reserved for them. */
    public void storeCopies(Spot place, byte[] images, int bytes) {
        store(place.offset, images, bytes);
    }

    /**
     * Copies what counts of the tail region to a new one, which takes its place.
     *
     * @return the place behind the copies; null if there is no room
     */
    public @Nullable Spot replaceTail(@Nullable Fold fold, Regions.Use use) {
        return reserve(0, 0, 0, true, fold, use);
    }

    /**
     * Whether bytes may stand behind the tail that no commit covers: this process reserved a place
     * there last.
     */
    public boolean mayHaveWritten() {
        return writtenBehind == stripe.acquire(StripeWords.TAIL);
    }

    private @Nullable Spot reserve(
            int bytes, long run, long runNumber, @Nullable Fold fold, Regions.Use use) {
        return reserve(bytes, run, runNumber, overflows(bytes), fold, use);
    }

    private @Nullable Spot reserve(
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
        return new Spot(
                data.regionAt(region) + into,
                Place.tail(region, into + bytes),
                number,
                oldest,
                oldestNumber,
                run,
                runNumber,
                folded);
    }

    /** Prepares a new tail region; it becomes true through the tail word alone. */
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
     * Writes a copy of a record, marked as moved, to a place of its own; the original's checksum is
     * compared first, so that what rotted is not given a good one.
     *
     * @param entry of a region of this stripe that is in the chain
     * @param number that region's allocation number
     * @param to where the copy goes
     * @param toNumber allocation number of the region there
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
     * Writes the content of a record, and of its run, to its place. The key must be nobody else's;
     * a value that somebody changes meanwhile is stored with any bytes it had, and a checksum that
     * is right.
     */
    public void write(Draft draft, Spot spot, long version) {
        RecordBytes.Run run = spot.run == 0 ? null : writeRun(draft, spot);
        write(draft, version, run, 0, spot.tailNumber, spot.offset, spot.offset);
    }

    /** Writes a record that needs no run at the tail, whose region has room for it. */
    public void writeAtTail(Draft draft, long version) {
        writtenBehind = tail;
        write(draft, version, null, 0, tailNumber, offset(), offset());
    }

    /**
     * Writes the image of a record that is to overwrite another behind the tail, whose region has room
     * for it; it is at most {@link #MOST_STAGED_BYTES} long.
     *
     * @param overwrites how often the other was overwritten, this time included
     * @param number allocation number of the region of the other
     * @param place where the other lies
     */
    public void stage(Draft draft, long version, int overwrites, long number, long place) {
        writtenBehind = tail;
        int bytes = draft.bytes();
        // a page that cannot be stored to is an error here, and behind the commit for ever
        data.file().storeAhead(data.covering(place, bytes), place, place + bytes);
        write(draft, version, null, overwrites, number, place, offset());
    }

    /** Stores what was staged last in its place. */
    public void storeStaged(long place, int bytes) {
        MemorySegment memory = data.covering(place, bytes);
        data.file().store(memory, place, scratch, IDENTITY_BYTES, bytes);
    }

    /**
     * Stores what another writer staged behind the tail in its place, if its checksum says that it is to
     * lie there. It does not where that page was lost: what is in its place may be whole.
     *
     * @param place where the record lies that is overwritten
     * @param version that the record is to have
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
     * @param number allocation number of the region where it is to lie
     * @param place where it is to lie
     * @param to where it is stored
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

    private RecordBytes.Run writeRun(Draft draft, Spot spot) {
        long region = Place.region(spot.run);
        long offset = data.regionAt(region);
        byte[] header =
                new RegionHeader(region, spot.runNumber, index, (int) Place.low(spot.run), 0, 0)
                        .encode(storeId);
        store(offset, header, header.length);
        Steps.at("W3 run");
        MemorySegment memory = data.covering(offset, Place.low(spot.run) * data.regionBytes());
        begin(spot.runNumber, offset, MOST_SCRATCH_BYTES);
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
                spot.run,
                spot.runNumber,
                sum.value(),
                RecordBytes.keyChecksum(draft.key()),
                draft.runContentBytes(),
                (draft.flags() & RecordLayout.KEY_IN_RUN) != 0);
    }

    /** Begins with the identity that the checksum covers before what is stored. */
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

    /** Adds to the scratch, which is checksummed and stored each time that it is full. */
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
