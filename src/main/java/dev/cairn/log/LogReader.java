package dev.cairn.log;

import dev.cairn.CorruptStore;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/*
 * Actors    a reader without a lock; the writer and the cleaner of the stripe.
 * Words     as in Follower. Its own: the last region that was read, and how far.
 * Steps     Y1 a cut: where the log ends            Y2 from the tail back to what was read, by headers
 *           Y3 the regions, oldest first: copied, every checksum compared
 *           Y4 where Y2 or Y3 found what does not belong: is the region still in that life?
 * Why it is safe
 *           Nothing before a tail changes while a region lives (RULE 3), and a checksum binds a
 *           record to the life of its region (RULE 2), so what passes is what was written. What does
 *           not pass, in a region that has another life by Y4, was overwritten and is no damage; what
 *           counted there was copied behind the tail before it died (RULES 24, 26), and the next
 *           reading comes to it. Only the tail region is ever folded, so what a header names as
 *           predecessor left at the oldest end, with all before it.
 * What is benign
 *           A record that was superseded or moved since it was read.
 * If a process dies here
 *           Nothing was stored.
 */
/** Reads all of a stripe's log, and then what came behind it, without a lock and whoever writes. */
public final class LogReader {
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
        /** A put or a removal, and the greatest version that there may be. */
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
     * Whether regions were evacuated before they could be read, though something before them had been
     * read: removals may be missing.
     */
    public boolean hasGaps() {
        return gaps;
    }

    /** Reads on to where a cut of the stripe ends (Y1). */
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

    /** Y2; the rest of the region that was read last is read on the way. */
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
                                "a region of stripe %d, number %d, by its owner entry"
                                        .formatted(stripe, wantedNumber),
                                "one of stripe %d, number %d"
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
        try {
            Chain chain = Chain.region(data, stripe, region, number, Place.tail(region, to));
            while (chain.hasRecordAt(at)) {
                at = chain.forEachFrom(at, data.regionBytes(), each -> sink.record(each, version));
            }
        } catch (CorruptStore e) {
            if (isAlive(region, number)) { // Y4
                sink.damage(e);
            } else {
                noteIfLost(number);
            }
        }
        at = to;
    }

    /** What was folded stands behind it, removals included; what was evacuated, but for removals. */
    private void noteIfLost(long gone) {
        gaps |= number != 0 && gone <= words.acquire(StripeWords.EVACUATED);
    }
}
