package dev.cairn.checkpoint;

import dev.cairn.CorruptStore;
import dev.cairn.Verification;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Mapped;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.LargeKeys;
import dev.cairn.log.LogReader;
import dev.cairn.log.NewestRecords;
import dev.cairn.log.RecordBytes;
import dev.cairn.log.Records;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/*
 * Actors    a reader without a lock; writers and cleaners of the stripe.
 * Steps     V1 read the whole log, then what was added since; note the newest record of each key
 *           V2 quietly: read the rest of the log, then compare the counts
 *           V3 look at every slot word: does it point to the newest record of its key, and does
 *              that record have the same count of overwrites?
 *           V4 look at every newest put: does a slot word point to it?
 *           V5 quietly, for some hundred keys at a time: check again what did not agree in V3 and V4,
 *              by the log up to then
 *           "Quietly" means at a moment at which nobody writes to the stripe. A process that may write
 *           holds the stripe's lock for it, and no longer than it takes to read what was appended since
 *           the last reading, or to make some hundred lookups. A read-only process counts a look as
 *           quiet if the stripe is the same before and after; if there is no such moment, it leaves the
 *           comparison out.
 * Why it is safe
 *           What V3 and V4 read may be changing, so their findings are only suspects. What V5 and V2
 *           report is compared with all of the log at a moment at which neither log nor index changes.
 * If a process dies here
 *           Nothing was stored.
 */
/**
 * Compares a store with itself: it checks every checksum of every chain, and compares the newest
 * record of each key in the chain with what the index says.
 */
public final class Verifier {
    private static final int SUSPECTS = 256;
    private static final int SWINGS_SEEN = 100;
    private static final int ATTEMPTS = 10;

    /** The number of attempts for a store that evicts, in which most of them fail. */
    private static final int EVICTING_ATTEMPTS = 2;

    private final DataFile data;
    private final SharedMemory shared;
    private final Records reading;
    private final Index index;
    private final KeyHash hash;
    private final Quiet quiet;
    private final boolean holds;
    private final boolean evicts;
    private final List<String> damages = new ArrayList<>();
    private long entries;
    private long records;
    private long bytes;
    private int uncompared;

    /** Looks at a stripe while nobody writes to it. */
    public interface Quiet {
        /**
         * Looks once or, if writers cannot be held off, until nobody wrote during the look.
         *
         * @param look may run several times; what it found the last time counts
         * @return false if there was no such moment
         */
        boolean look(int stripe, Runnable look);
    }

    /**
     * @param holds whether writers are held off during a quiet look
     */
    public Verifier(Mapped mapped, Quiet quiet, boolean holds) {
        this.data = mapped.data();
        this.shared = mapped.shared();
        this.reading = mapped.records();
        this.index = mapped.index();
        this.hash = mapped.hash();
        this.quiet = quiet;
        this.holds = holds;
        this.evicts = data.header().cache().evicts();
    }

    /**
     * Verifies one stripe. If the stripe was cleaned so fast that parts of the log were gone before
     * they were read, it starts again. The last attempt of several verifies only the log. In a
     * store that evicts, which may lose a region at every write, the last attempt holds writers off
     * throughout, if this process can.
     */
    public void verify(int stripe) {
        long entriesBefore = entries;
        long recordsBefore = records;
        long bytesBefore = bytes;
        int uncomparedBefore = uncompared;
        boolean[] done = {false};
        for (int attempt = 1; !done[0]; attempt++) {
            boolean last = attempt == (evicts ? EVICTING_ATTEMPTS : ATTEMPTS);
            boolean held = last && evicts && holds; // no region leaves it meanwhile
            Runnable look =
                    () -> {
                        entries = entriesBefore;
                        records = recordsBefore;
                        bytes = bytesBefore;
                        uncompared = uncomparedBefore;
                        done[0] = verified(stripe, held) || last;
                    };
            if (held) {
                boolean _ = quiet.look(stripe, look);
                return;
            }
            look.run();
        }
    }

    /**
     * Verifies a stripe once; returns false if parts of its log were gone before they were
     * compared.
     */
    private boolean verified(int stripe, boolean isHeld) {
        try (StripeCheck check = new StripeCheck(stripe, isHeld ? Verifier::atOnce : quiet)) {
            check.verify();
            uncompared += check.compared && !check.hasGaps() ? 0 : 1;
            return check.damaged || !check.hasGaps();
        } catch (CorruptStore e) {
            damage(e.getMessage());
            return true;
        }
    }

    private static boolean atOnce(int stripe, Runnable look) {
        look.run();
        return true;
    }

    private void damage(String what) {
        if (damages.size() < Verification.MAX_DAMAGES) {
            damages.add(what);
        }
    }

    public Verification result() {
        return new Verified(entries, records, bytes, damages, uncompared);
    }

    /** A key, or a slot word, on which log and index did not agree. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Suspect(byte @Nullable [] key, long table, long slotAt, long slot) {}

    /** The verification of one stripe. */
    private final class StripeCheck implements AutoCloseable {
        private final int stripe;
        private final Quiet quiet;
        private final StripeWords words;
        private final NewestRecords newest = new NewestRecords(this::hasKey);

        /** The records that were written after {@link #newest} was complete. */
        private final NewestRecords later = new NewestRecords(this::hasKey);

        private final LargeKeys largeKeys = new LargeKeys();
        private final LogReader log;
        private final List<Suspect> suspects = new ArrayList<>();
        private NewestRecords noting = newest;
        private boolean damaged;
        private long logBytes;
        private long slots;
        private boolean compared = true;
        private final long oldestNumber;

        StripeCheck(int stripe, Quiet quiet) {
            this.stripe = stripe;
            this.quiet = quiet;
            this.words = shared.stripe(stripe);
            this.oldestNumber = words.acquire(StripeWords.OLDEST_NUMBER);
            this.log =
                    new LogReader(
                            data,
                            words,
                            stripe,
                            new LogReader.Sink() {
                                @Override
                                public void record(Chain.Entry entry, long version) {
                                    note(entry, version);
                                }

                                @Override
                                public void damage(CorruptStore found) {
                                    damaged(found.getMessage());
                                }
                            });
        }

        /**
         * Whether a part of the log was gone before it was compared. If eviction drops a region,
         * its entries have no newer records in the log.
         */
        private boolean hasGaps() {
            return log.hasGaps()
                    || evicts && words.acquire(StripeWords.OLDEST_NUMBER) != oldestNumber;
        }

        /**
         * Whether the record at that place has this key, or may be gone by now. The hash of the key
         * is that of the record that was seen there.
         */
        private boolean hasKey(long offset, byte[] key) {
            long hashed = hash.of(key);
            Chain.Entry entry = entryAt(index.slotWord(offset, hashed));
            return entry == null
                    || entry.gone()
                    || hash.of(entry.key()) != hashed
                    || Arrays.equals(entry.key(), key);
        }

        private void damaged(String what) {
            damaged = true;
            damage(what);
        }

        void verify() {
            boolean _ = quiet.look(stripe, () -> {}); // completes what a dead writer began
            Cut start = Checkpointer.cutUnlocked(words);
            log.readTo(start); // V1
            log.readTo(Checkpointer.cutUnlocked(words));
            log.readTo(Checkpointer.cutUnlocked(words));
            if (damaged) {
                return;
            }
            List<String> wrong = new ArrayList<>();
            if (looked(() -> count(start, wrong))) { // V2
                wrong.forEach(this::damaged);
                CorruptStore lost = hasGaps() ? null : largeKeys.damage(data.path());
                if (lost != null) {
                    damaged(lost.getMessage());
                }
            }
            entries += newest.puts();
            noting = later;
            checkSlots();
            newest.forEach(this::checkPut);
            judge();
            countSlots(start);
        }

        /** Looks quietly, and notes if that was not possible. */
        private boolean looked(Runnable look) {
            boolean quietly = quiet.look(stripe, look);
            compared &= quietly;
            return quietly;
        }

        private void note(Chain.Entry entry, long version) {
            records++;
            bytes += entry.bytes();
            boolean put = entry.kind() == RecordLayout.PUT;
            logBytes += put ? entry.bytes() : entry.liveBytes();
            largeKeys.saw(entry);
            if (entry.gone()) {
                return;
            }
            long hashed = hash.of(entry.key());
            if (index.stripe(hashed) != stripe || entry.version() > version) {
                damaged(
                        ("%s: at byte %d: expected a record of stripe %d with version %d"
                                        + " at most, found one with version %d and a key of stripe %d")
                                .formatted(
                                        data.path(),
                                        entry.offset(),
                                        stripe,
                                        version,
                                        entry.version(),
                                        index.stripe(hashed)));
            }
            long runBytes = entry.liveBytes() - entry.bytes();
            noting.enter(
                    hashed,
                    entry.key(),
                    entry.offset(),
                    !put,
                    entry.version(),
                    entry.bytes(),
                    (int) (runBytes / data.regionBytes()));
        }

        /**
         * V2: compares the counts in the descriptor with the log. The size of the log is compared
         * only if no region left the log.
         */
        private void count(Cut start, List<String> wrong) {
            wrong.clear();
            Cut now = Checkpointer.cut(words);
            log.readTo(now);
            long runBytes = newest.putRunRegions() * data.regionBytes();
            long liveBytes = newest.putBytes() + runBytes;
            if (!hasGaps() && (newest.puts() != now.liveCount() || liveBytes != now.liveBytes())) {
                wrong.add(
                        ("%s: stripe %d: expected %d live entries with %d bytes,"
                                        + " as its descriptor says, found %d with %d bytes")
                                .formatted(
                                        data.path(),
                                        stripe,
                                        now.liveCount(),
                                        now.liveBytes(),
                                        newest.puts(),
                                        liveBytes));
            }
            long said = words.acquire(StripeWords.LOG_BYTES);
            if (now.equals(start) && logBytes + runBytes != said) {
                wrong.add(
                        "%s: stripe %d: expected %d bytes of log, as its descriptor says, found %d"
                                .formatted(data.path(), stripe, said, logBytes + runBytes));
            }
        }

        /** V3: starts again if the table was swung meanwhile. */
        private void checkSlots() {
            for (int swing = 0; swing < SWINGS_SEEN; swing++) {
                long table = shared.table(stripe);
                long swings = words.acquire(StripeWords.SWINGS);
                slots = 0;
                index.forEachSlot(
                        table,
                        (slotAt, slot) -> {
                            slots++;
                            if (!agrees(table, slot)) {
                                suspect(new Suspect(null, table, slotAt, slot));
                            }
                        });
                if (words.acquire(StripeWords.SWINGS) == swings) {
                    return;
                }
            }
        }

        /**
         * Whether a slot word points to the newest record of its key, and a lookup finds this slot
         * word.
         */
        private boolean agrees(long table, long slot) {
            Chain.Entry entry = entryAt(slot);
            if (entry == null || entry.kind() != RecordLayout.PUT || entry.gone()) {
                return false;
            }
            long hashed = hash.of(entry.key());
            long found = newest.find(hashed, entry.key());
            return found != NewestRecords.NONE
                    && !newest.tombstone(found)
                    && newest.offset(found) == entry.offset()
                    && SlotWord.samePlace(index.slotWord(entry.offset(), hashed), slot)
                    && entry.overwrites() == SlotWord.overwrites(slot)
                    && SlotWord.samePlace(found(table, hashed, entry.key()), slot)
                    && isRunSound(entry);
        }

        /** The slot word that a lookup finds; 0 if there is none. */
        private long found(long table, long hashed, byte[] key) {
            Index.Found found = index.find(table, hashed, key);
            return found == null ? 0 : found.slot();
        }

        private boolean isRunSound(Chain.Entry entry) {
            RecordBytes.Run run = entry.run();
            if (run == null) {
                return true;
            }
            bytes += run.contentBytes();
            // not by the entry's region: that may be another life's by now, without a header yet
            CorruptStore wrong = Chain.checkRun(data, stripe, run);
            long first = Place.region(run.word());
            if (wrong != null
                    && data.stripeOf(first) == stripe
                    && data.number(first) == run.number()) {
                damaged(wrong.getMessage());
            }
            return true;
        }

        /** The record to which a slot word points; null if there is none, or none any more. */
        private Chain.@Nullable Entry entryAt(long slot) {
            long offset = SlotWord.offset(slot);
            if (!data.has(offset, RecordLayout.MIN_BYTES)) {
                return null;
            }
            try {
                Chain.@Nullable Entry[] found = {null};
                int into = data.bytesIntoRegion(offset);
                int _ =
                        chain(offset)
                                .takeFrom(
                                        into,
                                        SUSPECTS,
                                        entry -> {
                                            found[0] = entry;
                                            return false;
                                        });
                return found[0];
            } catch (CorruptStore _) {
                return null;
            }
        }

        private Chain chain(long offset) {
            long region = data.regionOf(offset);
            return Chain.region(
                    data,
                    stripe,
                    region,
                    data.number(region),
                    Place.tail(region, data.regionBytes()));
        }

        /** V4. */
        private void checkPut(long hashed, long offset, boolean tombstone, long version) {
            if (!tombstone && !Index.pointsTo(shared, shared.table(stripe), hashed, offset)) {
                Chain.Entry entry = entryAt(index.slotWord(offset, hashed));
                // if the record was moved, its copy is checked
                if (entry != null && !entry.gone()) {
                    suspect(new Suspect(entry.key(), 0, 0, 0));
                }
            }
        }

        private void suspect(Suspect suspect) {
            suspects.add(suspect);
            if (suspects.size() >= SUSPECTS) {
                judge();
            }
        }

        /** V5. */
        private void judge() {
            List<String> wrong = new ArrayList<>();
            if (!suspects.isEmpty()
                    && looked(() -> {
                        wrong.clear();
                        log.readTo(Checkpointer.cut(words));
                        suspects.forEach(suspect -> judge(suspect, wrong));
                    })) {
                wrong.forEach(this::damaged);
            }
            suspects.clear();
        }

        private void judge(Suspect suspect, List<String> wrong) {
            if (hasGaps()) {
                return;
            }
            byte[] key = suspect.key;
            if (key != null) {
                judge(key, wrong);
                return;
            }
            if (!index.isUnchanged(words, suspect.table, suspect.slotAt, suspect.slot)) {
                return;
            }
            Chain.Entry entry = entryAt(suspect.slot);
            if (entry == null || entry.kind() != RecordLayout.PUT || entry.gone()) {
                wrong.add(
                        ("%s: at byte %d: expected a record of stripe %d, since the"
                                        + " index points there, found none")
                                .formatted(data.path(), SlotWord.offset(suspect.slot), stripe));
            } else if (!SlotWord.samePlace(
                    index.slotWord(entry.offset(), hash.of(entry.key())), suspect.slot)) {
                wrong.add(
                        ("%s: at byte %d: expected a record with the hash bits of slot"
                                        + " word 0x%016x, found other hash bits")
                                .formatted(data.path(), entry.offset(), suspect.slot));
            } else {
                if (entry.overwrites() != SlotWord.overwrites(suspect.slot)) {
                    wrong.add(
                            reading.wrongOverwrites(
                                            entry.offset(), suspect.slot, entry.overwrites())
                                    .getMessage());
                }
                judge(entry.key(), wrong);
            }
        }

        /** Compares what the log says about a key with what a lookup finds. */
        private void judge(byte[] key, List<String> wrong) {
            long hashed = hash.of(key);
            NewestRecords in = later.find(hashed, key) == NewestRecords.NONE ? newest : later;
            long known = in.find(hashed, key);
            long expected =
                    known == NewestRecords.NONE || in.tombstone(known)
                            ? 0
                            : index.slotWord(in.offset(known), hashed);
            long found = found(shared.table(stripe), hashed, key);
            if (!SlotWord.samePlace(found, expected)) {
                wrong.add(
                        ("%s: stripe %d: expected slot word 0x%016x, which"
                                        + " points to the newest record of a key, found 0x%016x")
                                .formatted(data.path(), stripe, expected, found));
            }
        }

        /** Counts the slots: two slot words of one key would both agree. */
        private void countSlots(Cut start) {
            boolean quietAllAlong =
                    !damaged && Checkpointer.cut(words).equals(start) && !words.pending();
            if (quietAllAlong && slots != start.liveCount()) {
                damaged(
                        "%s: stripe %d: expected %d slot words, one for each live entry, found %d"
                                .formatted(data.path(), stripe, start.liveCount(), slots));
            }
        }

        @Override
        public void close() {
            newest.close();
            later.close();
        }
    }
}
