package dev.cairn.engine;

import dev.cairn.Salvage;
import dev.cairn.checkpoint.Replay;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.HashBits;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.index.KeyHash;
import dev.cairn.log.NewestRecords;
import dev.cairn.log.RecordBytes;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/*
 * What of a damaged stripe is certainly what the checkpoint held.
 *
 * Words     the records of the chain whose checksums are right, in the order of their places; what
 *           lies between them is a stretch that may have hidden records.
 * Steps     First all records are read, and the newest of each key is noted. Then they are read
 *           again, and the newest of each key, if it is a put, is copied.
 * Why a value is the newest
 *           Of the records of a key, one that lies further back is never the newer one (a move and a
 *           fold copy live records to the end). So nothing before a record can have superseded it, and
 *           only the stretches behind it matter.
 *           Each write has the version that follows that of the write before it in its stripe (a
 *           recovery adds 2^40 to it). A write that is hidden in a stretch has a version greater
 *           than all before it, and less than the first behind it. This does not count copies, and
 *           records that were overwritten in place, whose versions came later (RULE 38). If no
 *           version is left between the two, the stretch hid copies at most. A copy that cleaning
 *           moved has no older record of its key in the chain except in the oldest region, beside its
 *           original. The versions of regions that are only guessed to be in the chain prove nothing.
 *           Suppose that the entries found are fewer than the checkpoint counts, and the difference is
 *           the number of versions that no record has. Then each of these versions wrote a key of its
 *           own that no other record has, and none of them superseded anything. An overwrite in place
 *           took its version from the log although no entry is missing; so then this proves less, but
 *           nothing wrong.
 *           If the index of a closed store is available, it says of each record whether it is live.
 *           If none of these holds, the entry is uncertain.
 */
/** Copies what is sound of one stripe of a damaged store. */
final class SalvageStripe implements AutoCloseable {
    private static final long VERSIONS_MASK = Replay.VERSIONS_APART - 1;
    private static final int PLACE_BITS = 27;

    private final SalvageSource source;
    private final SalvageReport report;
    private final SalvageIndex evidence;
    private final KeyHash hash;
    private final int stripe;
    private final @Nullable Cut cut;
    private final SalvageChain.Found chain;
    private final SalvageRegion region;
    private final NewestRecords newest;

    /** For each key that lies in a run, by its checksum, the newest record. */
    private final Map<Integer, LargeKey> largeKeys = new HashMap<>();

    /** For each key that a destroyed record seems to have, the greatest version. */
    private final Map<ByteBuffer, Long> remains = new HashMap<>();

    /** The number of writes seen, without copies. */
    private long writes;

    private long greatestVersion;

    /** The place of the last stretch whose versions are not known yet, 0 if there is none. */
    private long pending;

    /** The greatest version before the first such stretch. */
    private long pendingAfter;

    /** Whether versions from before it prove nothing. */
    private boolean pendingGuess;

    /**
     * The place of the last stretch that may have hidden a write; what lies behind it is certain.
     */
    private long uncertainBefore;

    /**
     * The newest record of a key that lies in a run.
     *
     * @param gone whether the key could not be read
     */
    private record LargeKey(long version, boolean gone, boolean put) {}

    /** Gets the entries for the target. */
    interface Sink {
        void put(byte[] key, byte[] value, long expires);
    }

    SalvageStripe(
            SalvageSource source,
            SalvageReport report,
            SalvageIndex evidence,
            KeyHash hash,
            int stripe) {
        this.source = source;
        this.report = report;
        this.evidence = evidence;
        this.hash = hash;
        this.stripe = stripe;
        var checkpoint = source.checkpoint();
        this.cut = checkpoint == null ? null : checkpoint.cuts().get(stripe);
        this.chain =
                cut == null
                        ? SalvageChain.byHeaders(source, report, stripe)
                        : SalvageChain.of(source, report, stripe, cut);
        this.region = new SalvageRegion(source, stripe);
        this.newest = new NewestRecords(region::hasKey);
    }

    private int end(SalvageChain.Member member) {
        boolean tail =
                cut != null
                        && member.number() == cut.tailNumber()
                        && member.region() == Place.region(cut.tail());
        int bytes = source.header().regionBytes();
        return tail && cut != null
                ? Math.clamp(Place.bytesInRegion(cut.tail()), RegionHeader.BYTES, bytes)
                : bytes;
    }

    /** Copies what it can to the target. */
    void copy(boolean onlyProven, boolean allUncertain, Sink sink) {
        for (int i = 0; i < chain.members().size(); i++) {
            note(i);
        }
        int end = chain.members().size();
        if (chain.endMissing()) {
            stretch(end, 0);
        }
        endGuess(end);
        settle(cut == null ? Long.MAX_VALUE : cut.version() + 1);
        if (allWritesAccountedFor()) {
            uncertainBefore = 0;
        }
        if (allUncertain) {
            uncertainBefore = Long.MAX_VALUE;
        }
        tellRemains();
        for (int i = 0; i < chain.members().size(); i++) {
            copy(i, onlyProven, sink);
        }
    }

    private boolean allWritesAccountedFor() {
        return cut != null
                && chain.guessed() == 0
                && largeKeys.values().stream().noneMatch(LargeKey::gone)
                && cut.liveCount() - newest.puts() == (cut.version() & VERSIONS_MASK) - writes;
    }

    /** Notes that unreadable records may follow all that was noted so far. */
    private void stretch(int ordinal, int at) {
        if (pending == 0) {
            pendingAfter = greatestVersion;
        }
        pending = place(ordinal, at);
    }

    /** Behind the last guessed member, discards what was learnt from versions. */
    private void endGuess(int ordinal) {
        if (ordinal == chain.guessed() && ordinal > 0) {
            stretch(ordinal, 0);
            pendingGuess = true;
            greatestVersion = 0;
        }
    }

    /**
     * A number for a place. What lies there, and before it, may have been superseded by what a
     * stretch hid.
     */
    private static long place(int ordinal, int at) {
        return (long) ordinal << PLACE_BITS | at + 1;
    }

    /** Settles the pending stretches, whose writes came before that version. */
    private void settle(long version) {
        if (pending != 0 && (pendingGuess || (version - pendingAfter - 1 & VERSIONS_MASK) != 0)) {
            uncertainBefore = pending;
        }
        pending = 0;
        pendingGuess = false;
    }

    private void note(int ordinal) {
        SalvageChain.Member member = chain.members().get(ordinal);
        region.read(member, end(member));
        if (member.broken()) {
            stretch(ordinal, 0);
        }
        endGuess(ordinal);
        int lostFrom = -1;
        int expected = -1;
        for (int at = RegionHeader.BYTES; region.hasRoom(at); ) {
            SalvageRegion.Found record = region.at(at);
            if (record == null) {
                if (lostFrom < 0) {
                    lostFrom = at;
                    expected = at;
                    stretch(ordinal, at);
                }
                if (at == expected) {
                    expected = noteRemains(at);
                }
                at += Place.UNIT_BYTES;
                continue;
            }
            tellLost(lostFrom, at);
            lostFrom = -1;
            if (record.kind() != RecordLayout.FILLER) {
                note(record);
            }
            at += record.length();
        }
        boolean behindTheEnd = cut == null && ordinal == chain.members().size() - 1;
        if (!behindTheEnd) {
            tellLost(lostFrom, region.end());
        }
    }

    private void tellLost(int from, int to) {
        if (from >= 0) {
            report.lostBytes(region.offset(from), to - from, "a record of stripe " + stripe);
        }
    }

    /**
     * Notes what is left of a destroyed record; returns where the next one is, according to its
     * header.
     */
    private int noteRemains(int at) {
        SalvageRegion.Remains left = region.remainsAt(at);
        if (left == null) {
            return -1;
        }
        byte[] key = left.key();
        if (key != null && remains.size() < Salvage.MAX_LISTED && isOfStripe(key)) {
            remains.merge(ByteBuffer.wrap(key), left.version(), Math::max);
        }
        return at + left.length();
    }

    private boolean isOfStripe(byte[] key) {
        int log2 = Integer.numberOfTrailingZeros(source.header().stripes());
        return !source.headerSound() || HashBits.stripe(hash.of(key), log2) == stripe;
    }

    private void note(SalvageRegion.Found record) {
        boolean copy = record.is(RecordLayout.MOVED);
        writes += copy ? 0 : 1;
        if (!copy && record.overwrites() == 0) { // the versions of these grow along the log
            settle(record.version());
            greatestVersion = Math.max(greatestVersion, record.version());
        }
        boolean put = record.kind() == RecordLayout.PUT;
        byte[] key = region.key(record);
        RecordBytes.Run run = record.run();
        if (run != null && record.is(RecordLayout.KEY_IN_RUN)) {
            largeKeys.merge(
                    run.keyCrc(),
                    new LargeKey(record.version(), key == null, put),
                    (old, next) -> next.version() >= old.version() ? next : old);
        }
        if (key != null) {
            long offset = region.offset(record.at());
            int regions = run == null ? 0 : (int) Place.low(run.word());
            newest.enter(
                    hash.of(key), key, offset, !put, record.version(), record.length(), regions);
        }
    }

    /** Reports the keys of destroyed records, except those with a newer record. */
    private void tellRemains() {
        remains.forEach((wrapped, version) -> {
            byte[] key = new byte[wrapped.remaining()];
            wrapped.get(0, key);
            long found = newest.find(hash.of(key), key);
            if (found == NewestRecords.NONE || newest.version(found) < version) {
                report.lost(key);
            }
        });
        for (LargeKey large : largeKeys.values()) {
            if (large.gone() && large.put()) {
                report.lostWithKey();
            }
        }
    }

    private void copy(int ordinal, boolean onlyProven, Sink sink) {
        SalvageChain.Member member = chain.members().get(ordinal);
        region.read(member, end(member));
        for (int at = RegionHeader.BYTES; region.hasRoom(at); ) {
            SalvageRegion.Found record = region.at(at);
            if (record == null) {
                at += Place.UNIT_BYTES;
                continue;
            }
            if (record.kind() == RecordLayout.PUT) {
                copy(ordinal, record, onlyProven, sink);
            }
            at += record.length();
        }
    }

    private void copy(int ordinal, SalvageRegion.Found record, boolean onlyProven, Sink sink) {
        byte[] key = region.key(record);
        if (key == null || !isNewest(record, key)) {
            return;
        }
        SalvageRegion.Content content = region.content(record);
        if (content == null) {
            report.damage(
                    region.offset(record.at()),
                    "a run with the value of a record",
                    "none with the right checksum");
            report.lost(key);
            return;
        }
        if (place(ordinal, record.at()) < uncertainBefore) {
            switch (evidence.counts(stripe, hash.of(key), region.offset(record.at()))) {
                case YES -> {}
                case NO -> {
                    report.lost(key);
                    return;
                }
                case UNKNOWN -> {
                    report.uncertain(key);
                    if (onlyProven) {
                        return;
                    }
                }
            }
        }
        sink.put(key, content.value(), record.header().expires());
        report.wrote();
    }

    private boolean isNewest(SalvageRegion.Found record, byte[] key) {
        RecordBytes.Run run = record.run();
        if (run != null && record.is(RecordLayout.KEY_IN_RUN)) {
            LargeKey large = largeKeys.get(run.keyCrc());
            if (large != null && large.gone() && large.version() > record.version()) {
                return false;
            }
        }
        long found = newest.find(hash.of(key), key);
        return found != NewestRecords.NONE && newest.offset(found) == region.offset(record.at());
    }

    @Override
    public void close() {
        newest.close();
    }
}
