package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Options;
import dev.cairn.checkpoint.Pin;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.Place;
import dev.cairn.log.DataFile;
import dev.cairn.os.Host;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;
import dev.cairn.os.SparseFile;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Copies the durable checkpoint to a file of its own while others write.
 *
 * <p>A pin keeps its regions. They are read twice: once to compare every checksum and to learn which
 * runs count, once to be copied, each to the same place, since their checksums say where they lie.
 * What lies between is a hole.
 */
final class Backup {
    /** Times that newer checkpoints may overtake what is about to be copied. */
    private static final int ATTEMPTS = 5;

    private final StoreFiles files;
    private final Options options;
    private final Parts parts;

    Backup(StoreFiles files, Options options, Parts parts) {
        this.files = files;
        this.options = options;
        this.parts = parts;
    }

    /** Writes it; the epoch of the checkpoint that it holds. */
    long writeTo(Path given) throws IOException {
        StoreFiles target = StoreFiles.of(given);
        if (Files.exists(target.data())) {
            throw new FileAlreadyExistsException(
                    target.data().toString(), null, "a backup replaces nothing");
        }
        Parts.Writing writing = parts.writing();
        if (writing == null) {
            return writeUnpinned(target);
        }
        try {
            return writePinned(target, writing);
        } finally {
            writing.regions().counts().recount(); // what it kept is free
        }
    }

    private long writePinned(StoreFiles target, Parts.Writing writing) throws IOException {
        try (Pin pin = Pin.take(files.data(), parts.shared(), writing.processes())) {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                CheckpointSlot slot = writing.checkpointer().durableSlot();
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
        IOException overtaken =
                new IOException(
                        files.data()
                                + ": checkpoints overtook the copy; open the store for writing,"
                                + " which keeps the checkpoint while it is copied");
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            OpenFile data = parts.data().file().opened();
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
        DataHeader header = parts.data().header();
        MappedFile data = parts.data().file().again(parts.data().regionAt(slot.regions()));
        Parts replayed = PrivateReplay.of(files, data, header, slot, options);
        Path made = target.beingMade(DataFiles.randomId());
        try {
            byte[] prefix = DataFiles.prefix(header, slot);
            Host.create(made, prefix, options.permissions());
            try (SparseFile file = SparseFile.open(made)) {
                copyRegions(replayed, slot, file);
                file.finish(parts.data().regionAt(slot.regions()));
            }
            boolean holds = witness.holds();
            if (holds) {
                DataFiles.name(made, target.data(), true);
            }
            return holds;
        } finally {
            Files.deleteIfExists(made);
            replayed.close();
        }
    }

    private static void copyRegions(Parts replayed, CheckpointSlot slot, SparseFile file)
            throws IOException {
        DataFile data = replayed.data();
        byte[] buffer = new byte[data.regionBytes()];
        for (long region = 0; region < slot.regions(); region++) {
            int stripe = data.stripeOf(region);
            if (stripe >= 0) {
                long tail = slot.cuts().get(stripe).tail();
                boolean last = Place.high(tail) == region + 1;
                int length = last ? Place.bytesInRegion(tail) : buffer.length;
                long at = data.regionAt(region);
                MemorySegment memory = data.covering(at, length);
                MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, buffer, 0, length);
                file.write(at, buffer, length);
            }
        }
    }
}
