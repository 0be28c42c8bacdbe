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
 * Steps     V1 the whole log is read, then what came since; of each key the newest record is noted
 *           V2 quietly: the rest of the log, then the counts
 *           V3 every slot word is looked at: does it point to the newest record of its key, and does
 *              that say the same count of overwrites?
 *           V4 every newest put is looked at: does a slot word point to it?
 *           V5 quietly, for some hundred keys at a time: what did not agree in V3 and V4, once more,
 *              by the log up to then
 *           Quietly: at a moment at which nobody writes to the stripe. Writers hold its lock for it,
 *           and no longer than for what was appended since the last reading, or some hundred lookups.
 *           Who may only read takes a look for quiet if the stripe is the same before and after, and
 *           leaves the comparison out if there is no such moment.
 * Why it is safe
 *           What V3 and V4 read may be changing; they condemn nothing. What V5 condemns, and V2
 *           counts, is compared with all of the log at a moment at which nobody changes either.
 * If a process dies here
 *           Nothing was stored.
 */
/**
 * Compares a store with itself: every checksum of every chain, and for each key the newest record of
 * its chain with what the index says.
 */
public final class Verifier {
    private static final int SUSPECTS = 256;
    private static final int SWINGS_SEEN = 100;
    private static final int ATTEMPTS = 10;

    /** Likewise where most attempts fail. */
    private static final int EVICTING_ATTEMPTS = 2;

    private final DataFile data;
    private final SharedMemory shared;
    private final Records reading;
    private final Index index;
    private final KeyHash hash;
    private final Quiet quiet;
    private final boolean evicts;
    private final List<String> damages = new ArrayList<>();
    private long entries;
    private long records;
    private long bytes;

    /** What looks at a stripe while nobody writes to it. */
    public interface Quiet {
        /**
         * Looks once or, where others cannot be held off, until nobody wrote meanwhile.
         *
         * @param look what it found the last time counts
         * @return false if there was no such moment
         */
        boolean look(int stripe, Runnable look);
    }

    public Verifier(Mapped mapped, Quiet quiet) {
        this.data = mapped.data();
        this.shared = mapped.shared();
        this.reading = mapped.records();
        this.index = mapped.index();
        this.hash = mapped.hash();
        this.quiet = quiet;
        this.evicts = data.header().cache().evicts();
    }

    /**
     * Verifies one stripe; from its start again if it was cleaned so fast that parts of the log were
     * gone before they were read. Should that never end, only the log is verified; and a stripe of a
     * store that evicts, which may lose a region at every write, with writers held off all along.
     */
    public void verify(int stripe) {
        long entriesBefore = entries;
        long recordsBefore = records;
        long bytesBefore = bytes;
        boolean[] done = {false};
        for (int attempt = 1; !done[0]; attempt++) {
            boolean last = attempt == (evicts ? EVICTING_ATTEMPTS : ATTEMPTS);
            Runnable look =
                    () -> {
                        entries = entriesBefore;
                        records = recordsBefore;
                        bytes = bytesBefore;
                        done[0] = verified(stripe, last) || last;
                    };
            if (last && evicts) { // nothing leaves it meanwhile
                boolean _ = quiet.look(stripe, look);
                return;
            }
            look.run();
        }
    }

    /** Verifies a stripe once; false if parts of its log were gone before they were compared. */
    private boolean verified(int stripe, boolean isHeld) {
        Quiet each = isHeld && evicts ? Verifier::atOnce : quiet;
        try (StripeCheck check = new StripeCheck(stripe, each)) {
            check.verify();
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
        return new Verified(entries, records, bytes, damages);
    }

    /** A key, or a slot word, of which log and index did not agree. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Suspect(byte @Nullable [] key, long table, long slotAt, long slot) {}

    /** One stripe that is being verified. */
    private final class StripeCheck implements AutoCloseable {
        private final int stripe;
        private final Quiet quiet;
        private final StripeWords words;
        private final NewestRecords newest = new NewestRecords(this::hasKey);

        /** What was written since {@link #newest} was complete. */
        private final NewestRecords later = new NewestRecords(this::hasKey);

        private final LargeKeys largeKeys = new LargeKeys();
        private final LogReader log;
        private final List<Suspect> suspects = new ArrayList<>();
        private NewestRecords noting = newest;
        private boolean damaged;
        private long logBytes;
        private long slots;
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
         * Whether something was gone before it was compared. A region that eviction left takes entries
         * with it of which nothing stands behind it.
         */
        private boolean hasGaps() {
            return log.hasGaps()
                    || evicts && words.acquire(StripeWords.OLDEST_NUMBER) != oldestNumber;
        }

        /** Asked of a key whose hash is that of a record which stood there, and may be gone by now. */
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
            boolean _ = quiet.look(stripe, () -> {}); // finishes what a dead writer began
            Cut start = Checkpointer.cutUnlocked(words);
            log.readTo(start); // V1
            log.readTo(Checkpointer.cutUnlocked(words));
            log.readTo(Checkpointer.cutUnlocked(words));
            if (damaged) {
                return;
            }
            List<String> wrong = new ArrayList<>();
            if (quiet.look(stripe, () -> count(start, wrong))) { // V2
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
                        "%s: at byte %d: expected a record of stripe %d up to version %d, found version %d of stripe %d"
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

        /** V2: what the descriptor says, by the log. The log's own bytes only if nothing left it. */
        private void count(Cut start, List<String> wrong) {
            wrong.clear();
            Cut now = Checkpointer.cut(words);
            log.readTo(now);
            long runBytes = newest.putRunRegions() * data.regionBytes();
            long liveBytes = newest.putBytes() + runBytes;
            if (!hasGaps() && (newest.puts() != now.liveCount() || liveBytes != now.liveBytes())) {
                wrong.add(
                        "%s: stripe %d: expected %d live entries of %d bytes, as its descriptor says, found %d of %d"
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

        /** V3: anew if the table was swung meanwhile. */
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

        /** Whether a slot word points to the newest record of its key, and a lookup finds it. */
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

        /** The slot word that a lookup finds; 0 if none. */
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
            CorruptStore wrong = chain(entry.offset()).checkRun(run);
            long first = Place.region(run.word());
            if (wrong != null
                    && data.stripeOf(first) == stripe
                    && data.number(first) == run.number()) {
                damaged(wrong.getMessage());
            }
            return true;
        }

        /** The record that a slot word points to; null if there is none, perhaps by now. */
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
                if (entry != null && !entry.gone()) { // else it was moved, and is seen there
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
                    && quiet.look(
                            stripe,
                            () -> {
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
                        "%s: at byte %d: expected a record of stripe %d, which the index points to, found none"
                                .formatted(data.path(), SlotWord.offset(suspect.slot), stripe));
            } else if (!SlotWord.samePlace(
                    index.slotWord(entry.offset(), hash.of(entry.key())), suspect.slot)) {
                wrong.add(
                        "%s: at byte %d: expected a record with the hash bits of slot word 0x%016x, found others"
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

        /** Compares what the log says of a key with what a lookup finds. */
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
                        "%s: stripe %d: expected slot word 0x%016x for the newest record of a key, by the log, found 0x%016x"
                                .formatted(data.path(), stripe, expected, found));
            }
        }

        /** Two slot words of one key would both agree. */
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
