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
 * Copies the durable checkpoint to a new file while others write.
 *
 * <p>A pin keeps the regions of the checkpoint. They are read twice: once to compare every checksum
 * and to learn which runs are live, once to copy them. Each is copied to the same offset, since its
 * checksums depend on it; what lies between the copied regions is a hole.
 *
 * <p>If the store is closed, that ends a backup, unless the backup has begun its last part: to
 * force what it wrote and to give it its name. So either it returns and its target is whole, or it
 * throws and there is no target.
 */
final class Backup {
    /** How many times newer checkpoints may overtake the one that is about to be copied. */
    private static final int ATTEMPTS = 5;

    private final StoreFiles files;
    private final Options options;
    private final Mapped mapped;
    private final @Nullable Writing writing;
    private final LongOperations operations;

    Backup(
            StoreFiles files,
            Options options,
            Mapped mapped,
            @Nullable Writing writing,
            LongOperations operations) {
        this.files = files;
        this.options = options;
        this.mapped = mapped;
        this.writing = writing;
        this.operations = operations;
    }

    /** Writes the backup; returns the epoch of the checkpoint that it holds. */
    long writeTo(Path given) throws IOException {
        StoreFiles target = StoreFiles.of(given);
        if (Files.exists(target.data())) {
            throw new FileAlreadyExistsException(
                    target.data().toString(),
                    null,
                    "the file exists already, and a backup replaces no file");
        }
        Writing pinning = writing;
        if (pinning == null) {
            return writeUnpinned(target);
        }
        try {
            return writePinned(target, pinning);
        } finally {
            pinning.regions().counts().unpinned();
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
                pin.again(); // two checkpoints later its checkpoint slot was overwritten
            }
        }
        throw new CorruptStore(
                files.data(),
                DataHeader.CHECKPOINT_SLOTS_AT,
                "a slot with the checkpoint that shared memory says is durable",
                "none");
    }

    /** Tells whether the regions of the checkpoint that was copied are still not reused. */
    private interface Witness {
        boolean holds() throws IOException;
    }

    private long writeUnpinned(StoreFiles target) throws IOException {
        Overtaken overtaken =
                new Overtaken(
                        files.data(),
                        "newer checkpoints overtook the copy; open the store for"
                                + " writing, which keeps the checkpoint until it is copied");
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

    /**
     * Copies the checkpoint, and names the copy if the witness confirms it then; returns whether it
     * did.
     */
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
            // otherwise it would be taken for that of a dead process
            try (DataLock _ = DataLock.making(target, made)) {
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
     * The regions that the checkpoint names: those of the chains, and the runs of live records. A
     * record is live if no later one has its key. So it is enough to remember the records with a
     * run: no index is needed, and nothing at all if there are no large values.
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
                operations.requireOpen();
                largeKeys.saw(entry);
                note(entry, log.hash(), withRun, named);
            });
            largeKeys.requireNoDamage(files.data());
            for (RegionHeader region : chain.regions()) {
                named.set(Math.toIntExact(region.region()));
            }
            for (RecordBytes.Run run : withRun.values()) {
                operations.requireOpen();
                chain.requireRun(run);
                set(named, run);
            }
        }
        return named;
    }

    /** Identifies a key by 96 bits of its content, 64 of which nobody can choose. */
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
            set(named, run); // a tombstone hides older records as long as its key can be read
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
            operations.requireOpen();
            int length = tails.getOrDefault(region, buffer.length);
            long at = data.regionAt(region);
            MemorySegment memory = data.covering(at, length);
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, buffer, 0, length);
            file.write(at, buffer, length);
        }
    }
}
