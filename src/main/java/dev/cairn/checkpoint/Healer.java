package dev.cairn.checkpoint;

import dev.cairn.CorruptStore;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Mapped;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.LargeKeys;
import dev.cairn.log.RecordBytes;
import dev.cairn.log.Records;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Stripe;
import dev.cairn.stripe.Stripes;

import org.jspecify.annotations.Nullable;

import java.util.function.LongConsumer;

/**
 * Recovers a store from a force that failed, or whose outcome is unknown (RULE 21).
 *
 * <p>After a failed force the kernel may have marked pages clean that never reached the disk. A
 * later force then has nothing to write and reports success. So every page of the log is stored
 * again. The kernel may also have dropped such a page and read the old one back. So everything that
 * no checkpoint proves is compared with its checksums. If a record was overwritten in place, the
 * old page may hold an earlier version with a valid checksum: the count of overwrites in the slot
 * word reveals it (RULE 35).
 */
public final class Healer {
    private static final Cut NOTHING_DURABLE = Cut.EMPTY;
    private static final int PAGE_BYTES = 4096;

    private final DataFile data;
    private final SharedMemory shared;
    private final Stripes stripes;
    private final Records records;
    private final Index index;
    private final KeyHash hash;

    public Healer(Mapped mapped, Stripes stripes) {
        this.data = mapped.data();
        this.shared = mapped.shared();
        this.stripes = stripes;
        this.records = mapped.records();
        this.index = mapped.index();
        this.hash = mapped.hash();
    }

    /** Runs an action while no other thread writes to a stripe. */
    private interface Holding {
        void holding(Stripe stripe, Runnable action);
    }

    /**
     * Stores again every page of the log that a checkpoint does not prove durable, and then
     * verifies these pages. It does so stripe by stripe, under the stripe's lock.
     *
     * @param durable the durable checkpoint; null to verify everything
     * @throws CorruptStore if bytes that were written are no longer there
     */
    void heal(@Nullable CheckpointSlot durable) {
        heal(durable, Stripe::holding, _ -> {});
    }

    /**
     * Heals as {@link #heal} does, without the stripes' locks. The caller holds the open lock, and
     * no process writes.
     */
    void healQuiet(@Nullable CheckpointSlot durable) {
        heal(durable, this::quiet, shared::advanced);
    }

    private void heal(@Nullable CheckpointSlot durable, Holding by, LongConsumer advanced) {
        storeAgain(durable, by);
        for (Stripe stripe : stripes) {
            by.holding(stripe, () -> verifyBehind(stripe, durable, advanced));
        }
    }

    /**
     * Stores again every page that belongs to a stripe. The caller holds the open lock, and no
     * process writes.
     */
    public void storeAllAgainQuiet() {
        storeAgain(null, this::quiet);
    }

    private void quiet(Stripe stripe, Runnable action) {
        action.run();
        shared.advanced(data.regionBytes());
    }

    /**
     * Fills the tail regions with zeros from the tails to their ends, while no process writes.
     * After a rollback there are old records with valid checksums; they must not come back when a
     * force fails.
     */
    public void zeroBehindTailsQuiet() {
        for (Stripe stripe : stripes) {
            long tail = stripe.words().acquire(StripeWords.TAIL);
            if (tail != 0) {
                long region = Place.region(tail);
                long from = data.regionAt(region) + Place.bytesInRegion(tail);
                data.file().zero(from, data.regionAt(region + 1));
            }
        }
    }

    /**
     * Stores pages again under the lock of their stripe, so that no other thread stores to a region
     * below the tail, or frees it.
     */
    private void storeAgain(@Nullable CheckpointSlot durable, Holding by) {
        data.file().storeAgain(0, data.regionAt(0));
        for (long region = 0; region < data.regions(); region++) {
            long each = region;
            int owner = data.stripeOf(region);
            if (owner >= 0 && owner < stripes.count() && from(region, owner, durable) >= 0) {
                Stripe stripe = stripes.get(owner);
                by.holding(stripe, () -> storeAgain(stripe, each, durable));
            }
        }
    }

    private void storeAgain(Stripe stripe, long region, @Nullable CheckpointSlot durable) {
        if (data.stripeOf(region) != stripe.number()) {
            return; // the region died meanwhile
        }
        int from = from(region, stripe.number(), durable);
        long tail = stripe.words().acquire(StripeWords.TAIL);
        boolean last = Place.high(tail) == region + 1;
        int to = last ? Place.bytesInRegion(tail) : data.regionBytes();
        if (from >= 0 && from < to) {
            data.file().storeAgain(data.regionAt(region) + from, data.regionAt(region) + to);
        }
    }

    /**
     * The offset in a region from which a checkpoint does not prove it durable, rounded down to a
     * page; -1 if the checkpoint proves all of it.
     * <table> <caption>what a checkpoint proves</caption>
     * <tr><th>the region</th><th>then from</th></tr>
     * <tr><td>was born after the checkpoint</td><td>0</td></tr>
     * <tr><td>is the tail region of the cut</td><td>the tail, rounded down</td></tr>
     * <tr><td>is any other region</td><td>-1</td></tr>
     * </table>
     */
    private int from(long region, int owner, @Nullable CheckpointSlot durable) {
        if (durable == null || data.birth(region) > durable.epoch()) {
            return 0;
        }
        long tail = durable.cuts().get(owner).tail();
        return Place.high(tail) == region + 1 ? Place.bytesInRegion(tail) & -PAGE_BYTES : -1;
    }

    /**
     * Verifies what a stripe's log and runs hold behind a checkpoint. The caller holds the open
     * lock, and no process writes to the stripe.
     *
     * @throws CorruptStore at the first damage
     */
    public void verifyBehindQuiet(Stripe stripe, @Nullable CheckpointSlot durable) {
        verifyBehind(stripe, durable, shared::advanced);
    }

    /**
     * @param advanced gets the number of verified bytes, about a region's worth at a time
     */
    private void verifyBehind(
            Stripe stripe, @Nullable CheckpointSlot durable, LongConsumer advanced) {
        Cut earlier = durable == null ? NOTHING_DURABLE : durable.cuts().get(stripe.number());
        Cut now = Checkpointer.cut(stripe.words());
        Chain chain = Chain.followBehind(data, stripe.number(), now, earlier);
        LargeKeys largeKeys = new LargeKeys();
        long[] untold = {0};
        chain.forEachBehind(
                earlier,
                entry -> {
                    untold[0] += entry.bytes();
                    if (untold[0] >= data.regionBytes()) {
                        advanced.accept(untold[0]);
                        untold[0] = 0;
                    }
                    largeKeys.saw(entry);
                    requireOverwrites(stripe, entry);
                    requireRun(stripe, chain, entry);
                });
        largeKeys.requireNoDamage(data.path());
    }

    /**
     * RULE 35: if the kernel dropped a page, an older record may have come back at the same place.
     */
    private void requireOverwrites(Stripe stripe, Chain.Entry entry) {
        if (entry.kind() != RecordLayout.PUT || entry.gone()) {
            return;
        }
        long hashed = hash.of(entry.key());
        long slot = index.slotOf(stripe.words(), hashed, entry.offset());
        if (slot != 0) {
            records.requireOverwrites(entry.offset(), slot, entry.overwrites());
        }
    }

    private void requireRun(Stripe stripe, Chain chain, Chain.Entry entry) {
        RecordBytes.Run run = entry.run();
        if (run != null
                && !entry.gone()
                && index.pointsTo(stripe.words(), hash.of(entry.key()), entry.offset())) {
            chain.requireRun(run);
        }
    }
}
