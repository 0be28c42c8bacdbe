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

/** Creating a data file, and reading what stands before its regions. */
final class DataFiles {
    /** Small, so that a store of few entries takes little: each stripe has a region of its own. */
    private static final int REGION_BYTES = 1 << 16;

    static final String REGION_BYTES_PROPERTY = "dev.cairn.region-bytes";

    /** Tests create stores whose records are never overwritten in place, as older programs did. */
    private static final String IN_PLACE_PROPERTY = "dev.cairn.in-place";

    /** Regions of a cache, unless they would be smaller than a page. */
    private static final int CACHE_REGIONS = 128;

    /** Regions of a cache for each stripe. */
    private static final int STRIPE_REGIONS = 16;

    private DataFiles() {}

    /**
     * The verified fixed part of a data file.
     *
     * @param openBlock null if it is torn
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
     * Creates a store's data file, complete before it has its name (RULE 23); under the open lock.
     * Of two creators one finds that it exists.
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
            String full = "no space for the " + prefix.length + " bytes that it begins with";
            throw OpenFile.growthFailure(files.data(), full, prefix.length, 0, e);
        }
        Steps.at("C link");
        name(made, files.data(), false);
    }

    /** The header of a store to be, with ids of its own. */
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
            throw new IllegalArgumentException(
                    "eviction is asked for without maxBytes, which says when to evict");
        }
        Duration idle = options.expireAfterAccess();
        return new CacheTerms(
                options.eviction() ? options.maxBytes() : 0, idle == null ? 0 : idle.toMillis());
    }

    /**
     * The same with regions so small, and stripes so few, that eviction can choose: what it judges at
     * once is a region, and each stripe has its own.
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
                    "maxBytes is %d; with eviction it must be from %d to %d"
                            .formatted(bytes, least, CacheTerms.MOST_BYTES));
        }
        return fitted;
    }

    /** What stands before the regions of a store at a checkpoint, which nobody has opened yet. */
    static byte[] prefix(DataHeader header, CheckpointSlot slot) {
        byte[] content = new byte[(int) header.regionsAt()];
        put(content, DataHeader.HEADER_AT, header.encode());
        put(content, DataHeader.OPEN_BLOCK_AT, OpenBlock.NONE.encode());
        put(content, DataHeader.slotAt(0, header.stripes()), slot.encode(header.storeId(), 0));
        return content;
    }

    /**
     * Gives a file that was made under another name its own, durably, without replacing anything.
     *
     * @param alone whether it is an error if somebody else gave that name to a file meanwhile; else
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

    /** Removes what a creator that was killed left; under the open lock. */
    static void removeLeftovers(StoreFiles files) throws IOException {
        Files.deleteIfExists(files.dataBeingMade());
        Files.deleteIfExists(files.sharedBeingMade());
        files.removeLeftByBackups();
    }

    /**
     * Reads and verifies the header, which never changes once the file has its name.
     *
     * @throws dev.cairn.IncompatibleFormat if it is no store, or one of another version
     * @throws CorruptStore if the header is damaged or cut off
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
                            "an empty file, which no store ever is",
                            "if nothing was stored in it, remove it, and opening creates a store in"
                                    + " its place");
        }
        return DataHeader.decode(file, block);
    }

    /**
     * Reads and verifies.
     *
     * @throws CorruptStore if the header or both checkpoints are damaged, or the file is cut off
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
                    file, DataHeader.SLOTS_AT, "a checkpoint with a valid checksum", "none");
        }
        requireLength(data, header, newest.regions());
        requirePlausible(file, header, newest);
        return new Prefix(header, openBlock, newest, newestCrc);
    }

    /**
     * Compares the length of the file with what it is said to hold.
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
                    "the end of the file: it was cut off");
        }
    }

    /** Refuses a checkpoint whose figures cannot be, though its checksum is right. */
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
                            && cut.liveCount() >= 0
                            && cut.liveCount()
                                    <= slot.regions()
                                            * (header.regionBytes() / RecordLayout.MIN_BYTES);
            if (!none && !some) {
                throw new CorruptStore(
                        file,
                        DataHeader.SLOTS_AT,
                        "a stripe within %d regions".formatted(slot.regions()),
                        cut.toString());
            }
        }
    }
}
