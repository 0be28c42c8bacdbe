package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Options;
import dev.cairn.Overtaken;
import dev.cairn.checkpoint.Pin;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Mapped;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.LargeKeys;
import dev.cairn.log.RecordBytes;
import dev.cairn.os.Host;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;
import dev.cairn.os.SparseFile;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * Copies the durable checkpoint to a file of its own while others write.
 *
 * <p>A pin keeps its regions. They are read twice: once to compare every checksum and to learn which
 * runs count, once to be copied, each to the same place, since their checksums say where they lie.
 * What lies between is a hole. Closing the store ends a backup, up to the moment from which on it only
 * forces what it wrote and gives it its name: either it returns and its target is whole, or it throws
 * and there is none.
 */
final class Backup {
    /** Times that newer checkpoints may overtake what is about to be copied. */
    private static final int ATTEMPTS = 5;

    private final StoreFiles files;
    private final Options options;
    private final Mapped mapped;
    private final @Nullable Writing writing;
    private final Running running;

    Backup(
            StoreFiles files,
            Options options,
            Mapped mapped,
            @Nullable Writing writing,
            Running running) {
        this.files = files;
        this.options = options;
        this.mapped = mapped;
        this.writing = writing;
        this.running = running;
    }

    /** Writes it; the epoch of the checkpoint that it holds. */
    long writeTo(Path given) throws IOException {
        StoreFiles target = StoreFiles.of(given);
        if (Files.exists(target.data())) {
            throw new FileAlreadyExistsException(
                    target.data().toString(), null, "a backup replaces nothing");
        }
        Writing pinning = writing;
        if (pinning == null) {
            return writeUnpinned(target);
        }
        try {
            return writePinned(target, pinning);
        } finally {
            pinning.regions().counts().recount(); // what it kept is free
        }
    }

    private long writePinned(StoreFiles target, Writing pinning) throws IOException {
        try (Pin pin = Pin.take(files.data(), mapped.shared(), pinning.processes())) {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                CheckpointSlot slot = pinning.checkpointer().durableSlot();
                if (slot != null && slot.epoch() == pin.epoch()) {
                    copy(slot, target, () -> true);
                    return slot.epoch();
                }
                pin.again(); // two checkpoints later its slot was written over
            }
        }
        throw new CorruptStore(
                files.data(),
                DataHeader.SLOTS_AT,
                "the checkpoint that shared memory says is durable",
                "none");
    }

    /** Whether the checkpoint that was copied is still one whose regions are not used again. */
    private interface Witness {
        boolean holds() throws IOException;
    }

    private long writeUnpinned(StoreFiles target) throws IOException {
        Overtaken overtaken =
                new Overtaken(
                        files.data(),
                        "checkpoints overtook the copy; open the store for writing, which keeps the"
                                + " checkpoint while it is copied");
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            OpenFile data = mapped.data().file().opened();
            CheckpointSlot slot = DataFiles.read(data).newest();
            Witness newest = () -> DataFiles.read(data).newest().equals(slot);
            try {
                if (copy(slot, target, newest)) {
                    return slot.epoch();
                }
            } catch (RuntimeException e) {
                if (newest.holds()) {
                    throw e;
                }
                overtaken.addSuppressed(e);
            }
        }
        throw overtaken;
    }

    /** Copies, and gives the copy its name if the witness holds then; tells whether it did. */
    private boolean copy(CheckpointSlot slot, StoreFiles target, Witness witness)
            throws IOException {
        DataHeader header = mapped.data().header();
        MappedFile data = mapped.data().file().again(mapped.data().regionAt(slot.regions()));
        Mapped log = PrivateReplay.logOf(files, data, header, slot);
        Path made = target.beingMade(DataFiles.randomId());
        try {
            BitSet named = named(log, slot);
            byte[] prefix = DataFiles.prefix(header, slot);
            Host.create(made, prefix, options.permissions());
            try (DataLock _ = DataLock.making(target, made)) { // or it was taken for a dead one's
                Steps.at("backup");
                try (SparseFile file = SparseFile.open(made)) {
                    copyRegions(log.data(), slot, named, file);
                    file.finish(mapped.data().regionAt(slot.regions()));
                }
                boolean holds = witness.holds();
                if (holds) {
                    DataFiles.name(made, target.data(), true);
                }
                return holds;
            }
        } finally {
            Files.deleteIfExists(made);
            log.close();
        }
    }

    /**
     * The regions that the checkpoint names: those of the chains, and the runs of records that count.
     * A record counts if no other of its key lies behind it, so it is enough to remember those that
     * have a run: no index is needed, and nothing at all where there are no large values.
     *
     * @throws CorruptStore if a checksum is wrong
     */
    private BitSet named(Mapped log, CheckpointSlot slot) {
        BitSet named = new BitSet();
        for (int stripe = 0; stripe < slot.cuts().size(); stripe++) {
            Chain chain = Chain.follow(log.data(), stripe, slot.cuts().get(stripe));
            LargeKeys largeKeys = new LargeKeys();
            Map<KeyMark, RecordBytes.Run> withRun = new HashMap<>();
            chain.forEach(entry -> {
                running.requireOpen();
                largeKeys.saw(entry);
                note(entry, log.hash(), withRun, named);
            });
            largeKeys.requireNoDamage(files.data());
            for (RegionHeader region : chain.regions()) {
                named.set(Math.toIntExact(region.region()));
            }
            for (RecordBytes.Run run : withRun.values()) {
                running.requireOpen();
                chain.requireRun(run);
                set(named, run);
            }
        }
        return named;
    }

    /** A key by 96 bits of its content, 64 of which nobody can choose. */
    private record KeyMark(long hash, int crc) {}

    private static void note(
            Chain.Entry entry, KeyHash hash, Map<KeyMark, RecordBytes.Run> withRun, BitSet named) {
        RecordBytes.Run run = entry.run();
        if (entry.gone() || run == null && withRun.isEmpty()) {
            return;
        }
        byte[] key = entry.key();
        KeyMark mark = new KeyMark(hash.of(key), RecordBytes.keyChecksum(key));
        if (run != null && entry.kind() == RecordLayout.PUT) {
            withRun.put(mark, run);
            return;
        }
        withRun.remove(mark);
        if (run != null) {
            set(named, run); // a tombstone hides others as long as its key can be read
        }
    }

    private static void set(BitSet named, RecordBytes.Run run) {
        int first = Math.toIntExact(Place.region(run.word()));
        named.set(first, first + (int) Place.low(run.word()));
    }

    private void copyRegions(DataFile data, CheckpointSlot slot, BitSet named, SparseFile file)
            throws IOException {
        Map<Integer, Integer> tails = new HashMap<>();
        for (CheckpointSlot.Cut cut : slot.cuts()) {
            if (cut.tail() != 0) {
                tails.put((int) Place.region(cut.tail()), Place.bytesInRegion(cut.tail()));
            }
        }
        byte[] buffer = new byte[data.regionBytes()];
        for (int region = named.nextSetBit(0); region >= 0; region = named.nextSetBit(region + 1)) {
            running.requireOpen();
            int length = tails.getOrDefault(region, buffer.length);
            long at = data.regionAt(region);
            MemorySegment memory = data.covering(at, length);
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, buffer, 0, length);
            file.write(at, buffer, length);
        }
    }
}
