package dev.cairn.log;

import dev.cairn.CorruptStore;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/*
 * Actors    a reader without a lock; the writer and the cleaner of the stripe.
 * Words     as in Follower; the intent. Its own: the last region that was read, and how far.
 * Steps     Y1 a cut: where the log ends            Y2 from the tail back to what was read, by headers
 *           Y3 the regions, oldest first: copied, every checksum compared
 *           Y4 if Y2 or Y3 found what does not belong: is the region still in that life?
 *           Y5 if a record was not valid: was one overwritten in place since before Y3?
 *           Y6 if a run with a key is gone: has its region left, or does it leave?
 * Why it is safe
 *           Nothing before a tail changes while a region lives, except a record that another one of the
 *           same key and size overwrites in place (RULE 3). A checksum binds a record to the life of its
 *           region (RULE 2). So what passes the check is what was written. The intent of an overwrite in
 *           place stands from before its first byte is stored until its version is there. So if the
 *           intent is no such intent before and after Y3, and the last version that was begun in place
 *           is the same, nothing was overwritten meanwhile (RULE 36); else the region is read again.
 *           Before Y3 the intent is loaded after that version, because it is stored after it. If bytes do
 *           not pass, and the region has another life by Y4, they were overwritten and are not damaged.
 *           The live records there were copied behind the tail before the region died (RULES 24, 26),
 *           and the next reading comes to them. When a region is evacuated, the runs of its tombstones are freed
 *           (W11) after EVACUATED is stored, then the region dies, and then the intent ends (W12). So if Y6, after
 *           the run was read, loads no intent and then finds the region alive, or EVACUATED is less than its number,
 *           no tombstone of it has lost its run to another record. Only the tail region is ever folded, so a
 *           region that a header names as predecessor left at the oldest end, with all before it.
 * What is benign
 *           A record that was superseded, moved or overwritten since it was read.
 *           A writer that was killed or stopped during X5, while nobody repairs: the rest of the region
 *           is skipped, and counts as a gap.
 * If a process dies here
 *           Nothing was stored.
 */
/**
 * Reads all of a stripe's log, and then what was appended since, without a lock and beside any
 * writers.
 */
public final class LogReader {
    private static final int LOOKS_AT_ONCE = 100;
    private static final int MOST_LOOKS = 300;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final DataFile data;
    private final StripeWords words;
    private final int stripe;
    private final Sink sink;

    private long region;
    private long number;
    private int at;
    private boolean gaps;

    /** Gets what is read. */
    public interface Sink {
        /** Gets a put or a removal, and the greatest version that can exist now. */
        void record(Chain.Entry entry, long version);

        void damage(CorruptStore damage);
    }

    public LogReader(DataFile data, StripeWords words, int stripe, Sink sink) {
        this.data = data;
        this.words = words;
        this.stripe = stripe;
        this.sink = sink;
    }

    /**
     * Whether regions were evacuated before they could be read, after something before them had
     * been read. Then removals may be missing.
     */
    public boolean hasGaps() {
        return gaps;
    }

    /** Reads on to the end of a cut of the stripe (Y1). */
    public void readTo(Cut cut) {
        if (cut.tail() == 0) {
            return;
        }
        List<RegionHeader> behind = behind(cut);
        for (RegionHeader next : behind.reversed()) {
            region = next.region();
            number = next.number();
            at = RegionHeader.BYTES;
            boolean last = number == cut.tailNumber();
            read(last ? Place.bytesInRegion(cut.tail()) : data.regionBytes(), cut.version());
        }
        if (behind.isEmpty() && number == cut.tailNumber()) {
            read(Place.bytesInRegion(cut.tail()), cut.version());
        }
    }

    /** Y2; on the way it reads the rest of the region that was read last. */
    private List<RegionHeader> behind(Cut cut) {
        List<RegionHeader> behind = new ArrayList<>();
        long nextRegion = Place.region(cut.tail());
        long nextNumber = cut.tailNumber();
        while (nextNumber > number) {
            RegionHeader header = header(cut, nextRegion, nextNumber);
            if (header == null) {
                noteIfLost(nextNumber);
                return behind;
            }
            behind.add(header);
            if (nextRegion + 1 == cut.oldest() && nextNumber == cut.oldestNumber()) {
                noteIfLost(number);
                return behind;
            }
            if (header.predecessor() == 0 || header.predecessorNumber() >= nextNumber) {
                sink.damage(Chain.noChain(data, stripe, header));
                return behind;
            }
            nextRegion = header.predecessor() - 1;
            nextNumber = header.predecessorNumber();
        }
        if (nextNumber == number && number != cut.tailNumber()) {
            read(data.regionBytes(), cut.version());
        }
        return behind;
    }

    /** The header of a region that a cut or another header names; null if there is none (Y4). */
    private @Nullable RegionHeader header(Cut cut, long wanted, long wantedNumber) {
        try {
            RegionHeader header = Chain.header(data, stripe, wanted, wantedNumber);
            if (isAlive(wanted, wantedNumber)) {
                return header;
            }
            if (isUnchanged(cut)) {
                sink.damage(
                        new CorruptStore(
                                data.path(),
                                data.regionAt(wanted),
                                "an owner entry of stripe %d, number %d, for the region"
                                        .formatted(stripe, wantedNumber),
                                "an owner entry of stripe %d, number %d"
                                        .formatted(data.stripeOf(wanted), data.number(wanted))));
                return header;
            }
        } catch (CorruptStore e) {
            if (isUnchanged(cut) || isAlive(wanted, wantedNumber)) {
                sink.damage(e);
            }
        }
        return null;
    }

    private boolean isUnchanged(Cut cut) {
        return words.acquire(StripeWords.OLDEST_NUMBER) == cut.oldestNumber()
                && words.acquire(StripeWords.TAIL_NUMBER) == cut.tailNumber();
    }

    private boolean isAlive(long which, long life) {
        return which >= 0
                && which < data.regions()
                && data.stripeOf(which) == stripe
                && data.number(which) == life;
    }

    /** Y3. */
    private void read(int to, long version) {
        for (int looks = 1; at < to; looks++) {
            long before = words.acquire(StripeWords.IN_PLACE_VERSION);
            boolean overwriting = isOverwriting();
            List<Chain.Entry> entries = new ArrayList<>();
            try {
                Chain chain = Chain.region(data, stripe, region, number, Place.tail(region, to));
                int next = at;
                while (chain.hasRecordAt(next)) {
                    next = chain.forEachFrom(next, data.regionBytes(), entries::add);
                }
                tell(entries, version);
                at = to;
            } catch (CorruptStore e) {
                // each has a valid checksum; the next time it starts after them
                if (!entries.isEmpty()) {
                    Chain.Entry last = entries.getLast();
                    at = data.bytesIntoRegion(last.offset()) + last.bytes();
                    looks = 0;
                    tell(entries, version);
                }
                if (!isAlive(region, number)) { // Y4
                    noteIfLost(number);
                    at = to;
                } else if (!overwriting && !mayBeOverwritten(before)) { // Y5
                    sink.damage(e);
                    at = to;
                } else if (looks == MOST_LOOKS) {
                    gaps = true; // its writer was stopped or killed, and nobody repairs
                    at = to;
                } else if (looks > LOOKS_AT_ONCE) {
                    LockSupport.parkNanos(Steps.pause(PAUSE_NANOS));
                }
            }
        }
    }

    private void tell(List<Chain.Entry> entries, long version) {
        VarHandle.acquireFence();
        // Y6: the intent first, as it ends after the region
        boolean pending = words.acquire(StripeWords.INTENT) != 0;
        if (entries.stream().anyMatch(Chain.Entry::gone) && (pending || !isAlive(region, number))) {
            noteIfLost(number);
        }
        // loaded after the copy; one more version may be in work
        long newest = Math.max(version, words.acquire(StripeWords.VERSION) + 1);
        entries.forEach(each -> sink.record(each, newest));
    }

    private boolean mayBeOverwritten(long before) {
        VarHandle.acquireFence();
        return isOverwriting() || words.acquire(StripeWords.IN_PLACE_VERSION) != before;
    }

    private boolean isOverwriting() {
        return words.acquire(StripeWords.INTENT) == StripeWords.IN_PLACE;
    }

    /**
     * Notes a gap if something was lost. What was folded lies behind the region, including
     * removals; what was evacuated does too, except for removals.
     */
    private void noteIfLost(long gone) {
        gaps |= number != 0 && gone <= words.acquire(StripeWords.EVACUATED);
    }
}
