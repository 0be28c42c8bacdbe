package dev.cairn.engine;

import dev.cairn.Options;
import dev.cairn.checkpoint.Pin;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.Place;
import dev.cairn.log.DataFile;
import dev.cairn.os.Host;
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
    /** Without a pin, times that a newer checkpoint may overtake the copy. */
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
        try (Pin pin = Pin.take(files.data(), parts.shared(), writing.processes())) {
            CheckpointSlot slot = writing.checkpointer().durableSlot();
            while (slot == null || slot.epoch() != pin.epoch()) {
                pin.again(); // two checkpoints later its slot was written over
                slot = writing.checkpointer().durableSlot();
            }
            copy(slot, target);
            return slot.epoch();
        }
    }

    private long writeUnpinned(StoreFiles target) throws IOException {
        IOException overtaken = new IOException(files.data() + ": checkpoints overtook the copy");
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            CheckpointSlot slot = DataFiles.read(files.data()).newest();
            try {
                copy(slot, target);
                if (DataFiles.read(files.data()).newest().equals(slot)) {
                    return slot.epoch();
                }
            } catch (RuntimeException e) {
                if (DataFiles.read(files.data()).newest().equals(slot)) {
                    throw e;
                }
                overtaken.addSuppressed(e);
            }
            Files.deleteIfExists(target.data());
        }
        throw overtaken;
    }

    private void copy(CheckpointSlot slot, StoreFiles target) throws IOException {
        Parts replayed = PrivateReplay.of(files, parts.data().header(), slot, options);
        Path made = target.dataBeingMade();
        try {
            Files.deleteIfExists(made);
            Host.create(made, DataFiles.prefix(parts.data().header(), slot), options.permissions());
            try (SparseFile file = SparseFile.open(made)) {
                copyRegions(replayed, slot, file);
                file.finish(parts.data().regionAt(slot.regions()));
            }
            DataFiles.name(made, target.data(), true);
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
