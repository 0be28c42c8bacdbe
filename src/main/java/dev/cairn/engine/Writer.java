package dev.cairn.engine;

import dev.cairn.StoreFull;
import dev.cairn.format.RecordLayout;
import dev.cairn.index.KeyHash;
import dev.cairn.log.Draft;
import dev.cairn.log.Regions.Use;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Stripe;
import dev.cairn.stripe.Stripe.Hashed;
import dev.cairn.stripe.Stripe.PreviousEntry;
import dev.cairn.stripe.Stripes;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The writes. Each goes to its stripe, again and again until the stripe has room for it. */
final class Writer {
    private final SharedMemory shared;
    private final SharedMemory.Locks locks;
    private final KeyHash hash;
    private final Stripes stripes;
    private final Space space;
    private final Troubles troubles;
    private final int regionBytes;

    Writer(Writing writing, Space space, Troubles troubles) {
        this.shared = writing.mapped().shared();
        this.locks = writing.locks();
        this.hash = writing.mapped().hash();
        this.stripes = writing.stripes();
        this.space = space;
        this.troubles = troubles;
        this.regionBytes = writing.mapped().data().regionBytes();
    }

    /**
     * Writes or removes an entry if it is as expected.
     *
     * @param value the new value; null removes the entry
     * @param lifetime the lifetime of the entry
     * @param expected the version that the entry must have, {@link Stripe#ANY}, {@link
     *     Stripe#NOTHING} or {@link Stripe#SOMETHING}
     * @param before gets what the write found; null if the caller does not need it
     * @return the version of the write, 0 if the entry was not as expected, or absent when it was
     *     to be removed
     */
    long write(
            byte[] key,
            byte @Nullable [] value,
            Lifetime lifetime,
            long expected,
            @Nullable PreviousEntry before) {
        // a copy: the key that is hashed, compared and stored is the same, even if the caller
        // changes its array
        Draft draft = draft(key.clone(), value, lifetime);
        space.requireFitting(draft);
        long hashed = hash.of(draft.key());
        return write(stripes.of(hashed), hashed, draft, expected, before);
    }

    private Draft draft(byte[] key, byte @Nullable [] value, Lifetime lifetime) {
        return Draft.of(key, value, lifetime.expires(), regionBytes).withHeat(lifetime.heat());
    }

    private long write(
            Stripe stripe,
            long hashed,
            Draft draft,
            long expected,
            @Nullable PreviousEntry before) {
        try {
            return untilThereWasRoom(stripe, hashed, draft, expected, before);
        } catch (StoreFull e) {
            troubles.refused(e);
            throw e;
        }
    }

    private long untilThereWasRoom(
            Stripe stripe,
            long hashed,
            Draft draft,
            long expected,
            @Nullable PreviousEntry before) {
        Use use = draft.kind() == RecordLayout.TOMBSTONE ? Use.REMOVE : Use.WRITE;
        while (true) {
            long result = stripe.put(hashed, draft, use, expected, before);
            if (result == Stripe.NO_REGION && !space.makeRoom(stripe.needed(draft), use)) {
                result =
                        space.squeeze(
                                stripe,
                                () -> stripe.put(hashed, draft, Use.EVACUATE, expected, before));
                if (result == Stripe.NO_REGION || result == Stripe.REFUSED) {
                    space.requireRoom(stripe.needed(draft), use);
                    continue;
                }
            }
            noteTurnover(stripe);
            if (result >= 0) {
                space.wrote(result == 0 ? 0 : draft.liveBytes(regionBytes));
                return result;
            }
            if (result != Stripe.NO_REGION) {
                shared.makeRoom(locks, -result);
            }
        }
    }

    private void noteTurnover(Stripe stripe) {
        if (stripe.turnedOver()) {
            space.turnedOver();
        }
    }

    /** An entry to be written with others, whatever is there. */
    @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
    record Entry(byte[] key, byte[] value, Lifetime lifetime) {}

    /**
     * Writes entries, those of each stripe in their order. It takes a stripe's lock for several at
     * a time.
     */
    void writeAll(List<Entry> entries) {
        Map<Stripe, List<Hashed>> byStripe = new TreeMap<>(Comparator.comparingInt(Stripe::number));
        for (Entry entry : entries) {
            Draft draft = draft(entry.key.clone(), entry.value, entry.lifetime);
            space.requireFitting(draft);
            long hashed = hash.of(draft.key());
            byStripe.computeIfAbsent(stripes.of(hashed), _ -> new ArrayList<>())
                    .add(new Hashed(hashed, draft));
        }
        byStripe.forEach(this::writeAll);
    }

    private void writeAll(Stripe stripe, List<Hashed> entries) {
        for (int from = 0; from < entries.size(); ) {
            int written = stripe.putSome(entries, from);
            noteTurnover(stripe);
            for (Hashed each : entries.subList(from, from + written)) {
                space.wrote(each.draft().liveBytes(regionBytes));
            }
            if (written == 0) { // it needs room, which is not made while the lock is held
                Hashed next = entries.get(from);
                long _ = write(stripe, next.hash(), next.draft(), Stripe.ANY, null);
                written = 1;
            }
            from += written;
        }
    }
}
