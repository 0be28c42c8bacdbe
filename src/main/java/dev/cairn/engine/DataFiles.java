package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Options;
import dev.cairn.format.CacheTerms;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.DataHeader;
import dev.cairn.format.OpenBlock;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.os.Host;
import dev.cairn.os.OpenFile;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.UUID;

/** Creates a data file, and reads what stands before its regions. */
final class DataFiles {
    /**
     * The size of a region. It is small, so that a store with few entries takes little space: each
     * stripe has a region of its own.
     */
    private static final int REGION_BYTES = 1 << 16;

    static final String REGION_BYTES_PROPERTY = "dev.cairn.region-bytes";

    /**
     * A property with which tests create stores whose records are never overwritten in place, as
     * older programs did.
     */
    private static final String IN_PLACE_PROPERTY = "dev.cairn.in-place";

    /** The number of regions of a cache, unless they would be smaller than a page. */
    private static final int CACHE_REGIONS = 128;

    /** The number of regions of a cache for each stripe. */
    private static final int STRIPE_REGIONS = 16;

    /** The greatest version that a stripe gives: see {@code dev.cairn.stripe.Tail}. */
    private static final long MOST_VERSION = 1L << 62;

    private DataFiles() {}

    /**
     * The verified fixed part of a data file.
     *
     * @param openBlock the open block; null if it is torn
     * @param newest the newest valid checkpoint
     * @param newestCrc the checksum of its bytes
     */
    record Prefix(
            DataHeader header,
            @Nullable OpenBlock openBlock,
            CheckpointSlot newest,
            int newestCrc) {}

    static UUID randomId() {
        return Steps.randomId();
    }

    /**
     * Creates a store's data file, which is complete before it gets its name (RULE 23). The caller
     * holds the open lock. If two processes create it, one of them finds that it exists.
     */
    static void create(StoreFiles files, Options options) throws IOException {
        DataHeader header = headerOf(options);
        CheckpointSlot empty =
                new CheckpointSlot(
                        randomId(),
                        1,
                        0,
                        0,
                        0,
                        0,
                        Collections.nCopies(header.stripes(), Cut.EMPTY));
        Path made = files.dataBeingMade();
        Files.deleteIfExists(made);
        byte[] prefix = prefix(header, empty);
        try {
            Host.create(made, prefix, options.permissions());
        } catch (IOException e) {
            if (!OpenFile.isNoSpace(e)) {
                throw e;
            }
            String full = "no space for the " + prefix.length + " bytes with which the file begins";
            throw OpenFile.growthFailure(files.data(), full, prefix.length, 0, e);
        }
        Steps.at("C link");
        name(made, files.data(), false);
    }

    /** The header of a new store, with new IDs. */
    static DataHeader headerOf(Options options) {
        int regionBytes = Integer.getInteger(REGION_BYTES_PROPERTY, REGION_BYTES);
        DataHeader header =
                new DataHeader(
                        randomId(),
                        randomId(),
                        options.stripes(),
                        regionBytes,
                        options.durability(),
                        !System.getProperty(IN_PLACE_PROPERTY, "").equals("false"),
                        cacheTerms(options));
        return header.cache().evicts() ? fitted(header) : header;
    }

    private static CacheTerms cacheTerms(Options options) {
        if (options.eviction() && options.maxBytes() == 0) {
            throw new IllegalArgumentException("eviction needs maxBytes, which says when to evict");
        }
        Duration idle = options.expireAfterAccess();
        return new CacheTerms(
                options.eviction() ? options.maxBytes() : 0, idle == null ? 0 : idle.toMillis());
    }

    /**
     * The same header with smaller regions and fewer stripes, so that eviction can choose: it
     * judges one region at a time, and each stripe has its own.
     */
    private static DataHeader fitted(DataHeader header) {
        long bytes = header.cache().maxBytes();
        int regionBytes = header.regionBytes();
        while (regionBytes > DataHeader.MIN_REGION_BYTES && bytes / regionBytes < CACHE_REGIONS) {
            regionBytes /= 2;
        }
        int stripes = header.stripes();
        while (stripes > 1 && bytes / regionBytes / stripes < STRIPE_REGIONS) {
            stripes /= 2;
        }
        DataHeader fitted = header.with(stripes, regionBytes);
        long least = fitted.regionAt(CacheTerms.LEAST_REGIONS);
        if (bytes < least || bytes > CacheTerms.MOST_BYTES) {
            throw new IllegalArgumentException(
                    "maxBytes is %d; with eviction it must be %s"
                            .formatted(
                                    bytes,
                                    bytes < least
                                            ? least + " at least"
                                            : CacheTerms.MOST_BYTES + " at most"));
        }
        return fitted;
    }

    /**
     * The bytes before the regions of a store at a checkpoint, which no process has opened yet.
     */
    static byte[] prefix(DataHeader header, CheckpointSlot slot) {
        byte[] content = new byte[(int) header.regionsAt()];
        put(content, DataHeader.HEADER_AT, header.encode());
        put(content, DataHeader.OPEN_BLOCK_AT, OpenBlock.NONE.encode());
        put(content, DataHeader.slotAt(0, header.stripes()), slot.encode(header.storeId(), 0));
        return content;
    }

    /**
     * Gives a file that was created under another name its own name. This is durable and replaces
     * no file.
     *
     * @param alone whether it is an error if the name belongs to another file by now; otherwise
     *     that file counts
     */
    static void name(Path made, Path name, boolean alone) throws IOException {
        try {
            Files.createLink(name, made);
        } catch (UnsupportedOperationException _) {
            Files.move(made, name);
        } catch (FileAlreadyExistsException e) {
            if (alone) {
                throw e;
            }
        }
        Steps.at("C unlink");
        Files.deleteIfExists(made);
        Host.forceDirectory(name.resolveSibling(""));
    }

    private static void put(byte[] content, long at, byte[] bytes) {
        System.arraycopy(bytes, 0, content, (int) at, bytes.length);
    }

    /** Removes what a killed creator left. The caller holds the open lock. */
    static void removeLeftovers(StoreFiles files) throws IOException {
        Files.deleteIfExists(files.dataBeingMade());
        Files.deleteIfExists(files.sharedBeingMade());
        files.removeLeftByBackups();
    }

    /**
     * Reads and verifies the header, which never changes once the file has its name.
     *
     * @throws dev.cairn.IncompatibleFormat if the file is not a store, or one of another version
     * @throws CorruptStore if the header is damaged or truncated
     */
    static DataHeader readHeader(OpenFile data) throws IOException {
        Path file = data.path();
        byte[] block = data.read(DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES);
        if (block.length < DataHeader.BLOCK_BYTES) {
            String header = "a header of " + DataHeader.BLOCK_BYTES + " bytes";
            throw block.length > 0
                    ? new CorruptStore(file, block.length, header, "the end of the file")
                    : new CorruptStore(
                            file,
                            0,
                            header,
                            "an empty file, which a store never is",
                            "if nothing was stored in it, remove the file, and the next"
                                    + " opening creates a store");
        }
        return DataHeader.decode(file, block);
    }

    /**
     * Reads and verifies the fixed part.
     *
     * @throws CorruptStore if the header or both checkpoints are damaged, or the file is truncated
     */
    static Prefix read(OpenFile data) throws IOException {
        Path file = data.path();
        DataHeader header = readHeader(data);
        OpenBlock openBlock =
                OpenBlock.decode(data.read(DataHeader.OPEN_BLOCK_AT, OpenBlock.BYTES));
        CheckpointSlot newest = null;
        int newestCrc = 0;
        int bytes = CheckpointSlot.bytes(header.stripes());
        for (int index = 0; index < 2; index++) {
            byte[] encoded = data.read(DataHeader.slotAt(index, header.stripes()), bytes);
            CheckpointSlot slot =
                    encoded.length < bytes
                            ? null
                            : CheckpointSlot.decode(
                                    encoded, header.storeId(), index, header.stripes());
            if (slot != null && (newest == null || slot.epoch() > newest.epoch())) {
                newest = slot;
                newestCrc = CheckpointSlot.crc(encoded);
            }
        }
        if (newest == null) {
            throw new CorruptStore(
                    file,
                    DataHeader.CHECKPOINT_SLOTS_AT,
                    "a checkpoint with a valid checksum",
                    "none");
        }
        requireLength(data, header, newest.regions());
        requirePlausible(file, header, newest);
        return new Prefix(header, openBlock, newest, newestCrc);
    }

    /**
     * Compares the length of the file with what it should hold.
     *
     * @throws CorruptStore if the file ends before its last region
     */
    static void requireLength(OpenFile data, DataHeader header, long regions) throws IOException {
        long found = data.size();
        if (regions < 0
                || found < header.regionsAt()
                || regions > (found - header.regionsAt()) / header.regionBytes()) {
            throw new CorruptStore(
                    data.path(),
                    found,
                    regions + " regions of " + header.regionBytes() + " bytes",
                    "the end of the file, which was truncated");
        }
    }

    /** Refuses a checkpoint with impossible figures, even if its checksum is right. */
    private static void requirePlausible(Path file, DataHeader header, CheckpointSlot slot) {
        for (Cut cut : slot.cuts()) {
            boolean none = cut.tail() == 0 && cut.oldest() == 0 && cut.liveCount() == 0;
            boolean some =
                    cut.tail() != 0
                            && Place.region(cut.tail()) < slot.regions()
                            && Place.bytesInRegion(cut.tail()) >= RegionHeader.BYTES
                            && Place.bytesInRegion(cut.tail()) <= header.regionBytes()
                            && cut.oldest() > 0
                            && cut.oldest() <= slot.regions()
                            && cut.version() >= 0
                            && cut.version() <= MOST_VERSION
                            && cut.liveCount() >= 0
                            && cut.liveCount()
                                    <= slot.regions()
                                            * (header.regionBytes() / RecordLayout.MIN_BYTES);
            if (!none && !some) {
                throw new CorruptStore(
                        file,
                        DataHeader.CHECKPOINT_SLOTS_AT,
                        "a stripe whose log lies within %d regions".formatted(slot.regions()),
                        cut.toString());
            }
        }
    }
}
