package dev.cairn.checkpoint;

import dev.cairn.CorruptStore;
import dev.cairn.Verification;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.LargeKeys;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares a store with itself: every checksum of every chain, and for each key the newest record of
 * its chain with what the index says.
 */
public final class Verifier {
    private final DataFile data;
    private final Index index;
    private final KeyHash hash;
    private final List<String> damages = new ArrayList<>();
    private long entries;
    private long records;
    private long bytes;

    public Verifier(DataFile data, Index index, KeyHash hash) {
        this.data = data;
        this.index = index;
        this.hash = hash;
    }

    /**
     * Verifies one stripe.
     *
     * @param cut the stripe at a moment at which nobody wrote to it, and since which nobody has, or
     *     the caller holds its lock
     * @param logBytes bytes of its log by its descriptor, then
     * @param table its table word at that moment
     * @param slots the slot words of that table
     */
    public void verify(int stripe, Cut cut, long logBytes, long table, long[] slots) {
        try {
            Chain chain = Chain.follow(data, stripe, cut);
            Map<ByteBuffer, Chain.Entry> newest = new HashMap<>();
            LargeKeys largeKeys = new LargeKeys();
            long[] bytesFound = {0};
            chain.forEach(entry -> {
                enter(newest, stripe, cut, entry);
                largeKeys.saw(entry);
                bytesFound[0] +=
                        entry.kind() == RecordLayout.PUT ? entry.bytes() : entry.liveBytes();
            });
            CorruptStore lost = largeKeys.damage(data.path());
            if (lost != null) {
                damage(lost.getMessage());
            }
            newest.values().removeIf(entry -> entry.kind() == RecordLayout.TOMBSTONE);
            newest.values().forEach(entry -> checkRun(chain, entry));
            for (Chain.Entry entry : newest.values()) {
                bytesFound[0] += entry.liveBytes() - entry.bytes();
            }
            if (bytesFound[0] != logBytes) {
                damage(
                        "%s: stripe %d: expected %d bytes of log, as its descriptor says, found %d"
                                .formatted(data.path(), stripe, logBytes, bytesFound[0]));
            }
            compare(stripe, cut, newest, slots);
            newest.values().forEach(entry -> lookUp(table, entry));
        } catch (CorruptStore e) {
            damage(e.getMessage());
        }
    }

    private void enter(
            Map<ByteBuffer, Chain.Entry> newest, int stripe, Cut cut, Chain.Entry entry) {
        records++;
        bytes += entry.bytes();
        if (entry.gone()) {
            return;
        }
        if (index.stripe(hash.of(entry.key())) != stripe || entry.version() > cut.version()) {
            damage(
                    "%s: at byte %d: expected a record of stripe %d up to version %d, found version %d of stripe %d"
                            .formatted(
                                    data.path(),
                                    entry.offset(),
                                    stripe,
                                    cut.version(),
                                    entry.version(),
                                    index.stripe(hash.of(entry.key()))));
        }
        newest.merge(
                ByteBuffer.wrap(entry.key()),
                entry,
                (old, next) -> next.version() >= old.version() ? next : old);
    }

    private void checkRun(Chain chain, Chain.Entry entry) {
        if (entry.run() != null) {
            bytes += entry.run().contentBytes();
            CorruptStore wrong = chain.checkRun(entry.run());
            if (wrong != null) {
                damage(wrong.getMessage());
            }
        }
    }

    /** What the slots hold, tags and overflow counts must not hide. */
    private void lookUp(long table, Chain.Entry entry) {
        long hashed = hash.of(entry.key());
        long found = index.find(table, hashed, entry.key());
        if (found != index.slotWord(entry.offset(), hashed)) {
            damage(
                    "%s: at byte %d: expected a record that a lookup of its key finds, found slot word 0x%016x"
                            .formatted(data.path(), entry.offset(), found));
        }
    }

    private void compare(int stripe, Cut cut, Map<ByteBuffer, Chain.Entry> newest, long[] slots) {
        entries += newest.size();
        Map<Long, Chain.Entry> byOffset = new HashMap<>();
        long liveBytes = 0;
        for (Chain.Entry entry : newest.values()) {
            byOffset.put(entry.offset(), entry);
            liveBytes += entry.liveBytes();
        }
        for (long slot : slots) {
            Chain.Entry entry = byOffset.remove(Place.offset(slot));
            if (entry == null) {
                damage(
                        "%s: at byte %d: expected the newest record of a key of stripe %d, which the index points to, found another"
                                .formatted(data.path(), Place.offset(slot), stripe));
            } else if (index.slotWord(entry.offset(), hash.of(entry.key())) != slot) {
                damage(
                        "%s: at byte %d: expected a record with the hash bits of slot word 0x%016x, found others"
                                .formatted(data.path(), entry.offset(), slot));
            }
        }
        for (Chain.Entry entry : byOffset.values()) {
            damage(
                    "%s: at byte %d: expected no record that the index lacks, found one of stripe %d"
                            .formatted(data.path(), entry.offset(), stripe));
        }
        if (newest.size() != cut.liveCount() || liveBytes != cut.liveBytes()) {
            damage(
                    "%s: stripe %d: expected %d live entries of %d bytes, as its descriptor says, found %d of %d"
                            .formatted(
                                    data.path(),
                                    stripe,
                                    cut.liveCount(),
                                    cut.liveBytes(),
                                    newest.size(),
                                    liveBytes));
        }
    }

    /** Verifies the checksums of one stripe's log alone. */
    public void verifyLog(int stripe, Cut cut) {
        try {
            Map<ByteBuffer, Chain.Entry> newest = new HashMap<>();
            Chain.follow(data, stripe, cut).forEach(entry -> enter(newest, stripe, cut, entry));
        } catch (CorruptStore e) {
            damage(e.getMessage());
        }
    }

    /** Takes over what another found. */
    public void add(Verifier other) {
        entries += other.entries;
        records += other.records;
        bytes += other.bytes;
        other.damages.forEach(this::damage);
    }

    /** Notes a damage that is told at the end; only the first are kept. */
    public void damage(String what) {
        if (damages.size() < Verification.MAX_DAMAGES) {
            damages.add(what);
        }
    }

    public Verification result() {
        return new Verification(entries, records, bytes, damages);
    }
}
