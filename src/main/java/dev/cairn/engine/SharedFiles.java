package dev.cairn.engine;

import static dev.cairn.format.SharedLayout.BOOT_ID;
import static dev.cairn.format.SharedLayout.CLEAN;
import static dev.cairn.format.SharedLayout.CLEAN_EPOCH;
import static dev.cairn.format.SharedLayout.CLEAN_SLOT_CRC;
import static dev.cairn.format.SharedLayout.CLEAN_TIMELINE;
import static dev.cairn.format.SharedLayout.DATA_INODE;
import static dev.cairn.format.SharedLayout.EPOCH;
import static dev.cairn.format.SharedLayout.MAGIC;
import static dev.cairn.format.SharedLayout.MAGIC_VALUE;
import static dev.cairn.format.SharedLayout.NONCE;
import static dev.cairn.format.SharedLayout.OPENING_DONE;
import static dev.cairn.format.SharedLayout.READY;
import static dev.cairn.format.SharedLayout.REGIONS;
import static dev.cairn.format.SharedLayout.REGION_BYTES;
import static dev.cairn.format.SharedLayout.SHARED_BYTES;
import static dev.cairn.format.SharedLayout.STORE_ID;
import static dev.cairn.format.SharedLayout.STRIPES;

import dev.cairn.CorruptStore;
import dev.cairn.IncompatibleFormat;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.Checksum;
import dev.cairn.format.DataHeader;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.index.Tables;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.Access;
import dev.cairn.os.Host;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.UUID;

/**
 * Finds the shared-memory file that belongs to a data file (RULE 5), and creates a new one. An
 * existing file is never rebuilt in place: a process that still has it mapped must be able to go on
 * reading.
 */
final class SharedFiles {
    static final String LEAST_BUCKETS_LOG2_PROPERTY = "dev.cairn.least-buckets-log2";

    /** 256 buckets, which fill the smallest area. */
    private static final int LEAST_BUCKETS_LOG2 = 8;

    private static final long RESERVED_BYTES = 1L << 30;
    private static final long IS_READY = 1;
    private static final long IS_CLEAN = 1;
    private static final UUID OF_NO_BOOT = new UUID(0, 0);

    private SharedFiles() {}

    /** The result of a look at the shared-memory file. */
    sealed interface Finding {}

    /** It belongs to the data file and was made in this boot; the caller must close it. */
    record Usable(OpenFile file, long bytes) implements Finding {}

    /**
     * The last process of the data file closed it, in whatever boot; otherwise the same as {@link
     * Usable}.
     */
    record Clean(OpenFile file, long bytes) implements Finding {}

    /** It cannot be used. */
    record Useless(String why) implements Finding {}

    static int leastBucketsLog2() {
        return Integer.getInteger(LEAST_BUCKETS_LOG2_PROPERTY, LEAST_BUCKETS_LOG2);
    }

    static Finding look(StoreFiles files, OpenFile data, DataFiles.Prefix prefix, boolean writable)
            throws IOException {
        OpenFile file;
        try {
            file = OpenFile.open(files.shared(), writable);
        } catch (NoSuchFileException _) {
            return new Useless("the shared-memory file is missing");
        }
        Finding finding = null;
        try {
            finding = look(file, data, prefix);
            return finding;
        } finally {
            if (finding == null || finding instanceof Useless) {
                file.close();
            }
        }
    }

    private static Finding look(OpenFile file, OpenFile dataFile, DataFiles.Prefix prefix)
            throws IOException {
        byte[] header = file.read(0, SharedLayout.DIRECTORY);
        if (header.length >= Long.BYTES && word(header, MAGIC) == 0) {
            return new Useless("the shared-memory file never reached the disk");
        }
        if (header.length > 0 && (header.length < Long.BYTES || !ours(word(header, MAGIC)))) {
            throw new IncompatibleFormat(
                    file.path(),
                    "is not a shared-memory file, but has the name of that of %s; move it away"
                            .formatted(dataFile.path().getFileName()));
        }
        if (header.length < SharedLayout.DIRECTORY || word(header, MAGIC) != MAGIC_VALUE) {
            return new Useless("the shared-memory file is too short, or of another version");
        }
        DataHeader data = prefix.header();
        if (!Checksum.idAt(header, STORE_ID).equals(data.storeId())
                || word(header, STRIPES) != data.stripes()
                || word(header, REGION_BYTES) != data.regionBytes()) {
            return new Useless("the shared-memory file belongs to another store");
        }
        if (prefix.openBlock() == null
                || !Checksum.idAt(header, NONCE).equals(prefix.openBlock().nonce())
                || word(header, DATA_INODE) != dataFile.inode()) {
            return new Useless(
                    "the shared-memory file does not belong to this data file, which"
                            + " was replaced or restored");
        }
        long bytes = word(header, SHARED_BYTES);
        if (word(header, READY) != IS_READY
                || bytes < SharedLayout.areasAt(data)
                || bytes > file.size()) {
            return new Useless("the shared-memory file is incomplete");
        }
        if (word(header, CLEAN) == IS_CLEAN) {
            CheckpointSlot newest = prefix.newest();
            if (word(header, CLEAN_EPOCH) > newest.epoch()) {
                throw new CorruptStore(
                        dataFile.path(),
                        DataHeader.CHECKPOINT_SLOTS_AT,
                        "checkpoint %d, at which the store was closed"
                                .formatted(word(header, CLEAN_EPOCH)),
                        "%d as the newest that is whole; to go back to it, remove %s"
                                .formatted(newest.epoch(), file.path().getFileName()));
            }
            if (!Checksum.idAt(header, CLEAN_TIMELINE).equals(newest.timeline())
                    || word(header, CLEAN_EPOCH) != newest.epoch()
                    || word(header, CLEAN_SLOT_CRC) != prefix.newestCrc()
                    || word(header, REGIONS) < newest.regions()) {
                return new Useless("the shared-memory file was closed at another checkpoint");
            }
            return isAnyPending(file, data.stripes())
                    ? new Useless(
                            "the shared-memory file was closed, and names a write that did not end")
                    : new Clean(file, bytes);
        }
        // a cut raises it before it stores its checkpoint slot
        if (word(header, EPOCH) <= prefix.newest().epoch()) {
            return new Useless("the shared-memory file is older than the newest checkpoint");
        }
        return Host.sameBoot(Checksum.idAt(header, BOOT_ID))
                ? new Usable(file, bytes)
                : new Useless("the machine was restarted while the store was open");
    }

    /**
     * Whether the descriptor of a stripe says that a holder of its lock left work behind. Whoever
     * closes a store as the last does that work before the mark, so this is damage then. To do such
     * work by words that are wrong might hide entries.
     */
    private static boolean isAnyPending(OpenFile file, int stripes) throws IOException {
        byte[] all = file.read(SharedLayout.STRIPE_DESCRIPTORS, stripes * StripeWords.BYTES);
        for (int at = 0; at + StripeWords.BYTES <= all.length; at += StripeWords.BYTES) {
            if (StripeWords.pending(all, at)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a file begins as shared-memory files of any version do. */
    static boolean ours(long magic) {
        return (magic ^ MAGIC_VALUE) << Byte.SIZE == 0;
    }

    private static long word(byte[] header, int at) {
        return Words.plain(header, at);
    }

    /**
     * Whether the process table of a file names a process that is alive without its kernel lock.
     * The table of another boot names nobody: process IDs and start times recur.
     */
    static boolean anybodyWithoutLock(Path file, KernelLocks kernel) throws IOException {
        if (!Files.exists(file) || Files.size(file) < SharedLayout.STRIPE_DESCRIPTORS) {
            return false;
        }
        try (MappedFile mapped = MappedFile.map(file, SharedLayout.STRIPE_DESCRIPTORS, true)) {
            MemorySegment memory = mapped.first();
            return ours(Words.acquire(memory, MAGIC))
                    && Host.sameBoot(id(memory, BOOT_ID))
                    && ProcessTable.anybodyWithoutLock(memory, kernel);
        }
    }

    /**
     * Makes late readers of a file see that it is about to be replaced. A file of another store is
     * replaced too, but is not marked, because that store's processes may still use it by another
     * name, or without one.
     */
    static void retire(Path file, DataHeader header) throws IOException {
        int stripes = header.stripes();
        if (!Files.exists(file) || Files.size(file) < SharedLayout.areasAt(stripes)) {
            return;
        }
        try (MappedFile old = MappedFile.map(file, SharedLayout.areasAt(stripes), true)) {
            if (!id(old.first(), STORE_ID).equals(header.storeId())) {
                return;
            }
            // the file on disk may still be marked clean: make it useless there too, before its
            // tables go
            Words.release(old.first(), CLEAN, 0);
            Words.release(old.first(), READY, 0);
            old.force(0, SharedLayout.DIRECTORY);
            for (int stripe = 0; stripe < stripes; stripe++) {
                Words.release(old.first(), SharedLayout.stripeAt(stripe) + StripeWords.TABLE, 0);
            }
        }
    }

    /**
     * Creates a file with room for what a checkpoint needs, for those who may use the data; it is
     * not ready yet.
     */
    static MappedFile make(StoreFiles files, OpenFile data, DataFiles.Prefix prefix)
            throws IOException {
        Path made = files.sharedBeingMade();
        Files.deleteIfExists(made);
        Host.create(made, new byte[0], Access.like(files.data()));
        long bytes = bytesFor(prefix.header(), prefix.newest(), 0);
        OpenFile file = OpenFile.open(made, true);
        try {
            // waiting processes see the file grow
            for (long at = 0; at < bytes; at += RESERVED_BYTES) {
                file.reserve(at, Math.min(bytes, at + RESERVED_BYTES));
            }
        } catch (IOException e) {
            file.close();
            Files.deleteIfExists(made);
            throw OpenFile.growthFailure(
                    files.shared(), "no space for " + bytes + " bytes of index", bytes, 0, e);
        }
        MappedFile mapped = MappedFile.map(file, bytes);
        identify(mapped.first(), prefix.header(), bytes);
        Words.release(mapped.first(), DATA_INODE, data.inode());
        return mapped;
    }

    /**
     * Creates a file as {@link #make} does, in memory of this process alone.
     *
     * @param spare the room for more tables, in sixteenths of what the entries need
     */
    static MappedFile makePrivate(
            StoreFiles files, DataHeader header, CheckpointSlot slot, long spare) {
        long bytes = bytesFor(header, slot, spare);
        MappedFile file = MappedFile.anonymous(files.shared(), bytes);
        identify(file.first(), header, bytes);
        return file;
    }

    private static long bytesFor(DataHeader header, CheckpointSlot slot, long spare) {
        long tables = 0;
        for (CheckpointSlot.Cut cut : slot.cuts()) {
            tables += TableWord.bytes(Tables.log2For(cut.liveCount(), leastBucketsLog2()));
        }
        long bytes = SharedLayout.areasAt(header) + tables + tables / 16 * spare;
        long regions = slot.regions();
        for (int table = 0; OwnerWords.firstOf(table) < regions; table++) {
            bytes += OwnerWords.regionsOf(table) * OwnerWords.BYTES;
        }
        return Words.roundUp(bytes, SharedLayout.AREA_BYTES);
    }

    private static void identify(MemorySegment memory, DataHeader header, long bytes) {
        Words.release(memory, MAGIC, MAGIC_VALUE);
        putId(memory, STORE_ID, header.storeId());
        Words.release(memory, STRIPES, header.stripes());
        Words.release(memory, REGION_BYTES, header.regionBytes());
        Words.release(memory, SHARED_BYTES, bytes);
    }

    /** Marks the file as whole, and as belonging to an open block. */
    static void ready(MemorySegment memory, UUID nonce) {
        putId(memory, NONCE, nonce);
        putId(memory, BOOT_ID, Host.bootId());
        Words.release(memory, READY, IS_READY);
    }

    /**
     * Removes the clean mark, durably, before any other store (RULE 5), and then writes the current
     * boot to the file; returns whether the mark was set.
     */
    static boolean clearMark(MappedFile file) throws IOException {
        if (Words.acquire(file.first(), CLEAN) != IS_CLEAN) {
            return false;
        }
        Words.release(file.first(), CLEAN, 0);
        file.force(0, SharedLayout.DIRECTORY);
        putId(file.first(), BOOT_ID, Host.bootId());
        return true;
    }

    /**
     * Sets the clean mark: first all that it stands for is stored and forced, then the mark itself.
     */
    static void mark(MappedFile file, CheckpointSlot slot, int crc) throws IOException {
        MemorySegment memory = file.first();
        putId(memory, CLEAN_TIMELINE, slot.timeline());
        Words.release(memory, CLEAN_EPOCH, slot.epoch());
        Words.release(memory, CLEAN_SLOT_CRC, crc);
        // if a process clears the mark and dies, the file is useless
        putId(memory, BOOT_ID, OF_NO_BOOT);
        file.forceInPieces(
                Words.acquire(memory, SHARED_BYTES),
                bytes -> Words.add(memory, OPENING_DONE, bytes));
        Words.release(memory, CLEAN, IS_CLEAN);
        file.force(0, SharedLayout.DIRECTORY);
    }

    private static UUID id(MemorySegment memory, int at) {
        return new UUID(Words.acquire(memory, at), Words.acquire(memory, at + Long.BYTES));
    }

    private static void putId(MemorySegment memory, int at, UUID id) {
        Words.release(memory, at, id.getMostSignificantBits());
        Words.release(memory, at + Long.BYTES, id.getLeastSignificantBits());
    }
}
