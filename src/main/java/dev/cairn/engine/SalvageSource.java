package dev.cairn.engine;

import dev.cairn.CairnException;
import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.IncompatibleFormat;
import dev.cairn.format.CacheTerms;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Checksum;
import dev.cairn.format.DataHeader;
import dev.cairn.format.OpenBlock;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.Place;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.Words;
import dev.cairn.os.RawFile;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.UUID;

/**
 * A data file that may be damaged anywhere, as a salvage reads it: its geometry, the newest
 * checkpoint that can be read, and region headers.
 */
final class SalvageSource implements AutoCloseable {
    private static final int MAX_STRIPES = 4096;

    private final Path path;
    private final RawFile file;
    private final DataHeader header;
    private final boolean headerSound;
    private final @Nullable OpenBlock openBlock;
    private @Nullable CheckpointSlot slot;
    private final int slotCrc;
    private final boolean newest;

    /**
     * For each region, its stripe and number as an owner word, 0 if it does not begin with a
     * header.
     */
    private long @Nullable [] owners;

    private SalvageSource(
            Path path,
            RawFile file,
            DataHeader header,
            boolean headerSound,
            @Nullable OpenBlock openBlock,
            Slots slots) {
        this.path = path;
        this.file = file;
        this.header = header;
        this.headerSound = headerSound;
        this.openBlock = openBlock;
        this.slot = slots.newest;
        this.slotCrc = slots.newestCrc;
        this.newest = slots.certain;
    }

    /**
     * How many of the first regions are looked at, besides the tails, to learn the size of a
     * region.
     */
    private static final int LOOKED_AT = 64;

    /**
     * The checkpoint slots of a store, as far as they can be read.
     *
     * @param certain whether no damaged slot may have held a newer checkpoint
     */
    private record Slots(@Nullable CheckpointSlot newest, int newestCrc, boolean certain) {}

    /**
     * Opens a data file and learns its geometry. If its header is destroyed, the slots and regions
     * tell it.
     *
     * @throws IncompatibleFormat if it is not a Cairn store, or one of another version
     * @throws CorruptStore if too much is destroyed to tell where its regions lie
     */
    static SalvageSource open(Path path) throws IOException {
        RawFile file = RawFile.open(path);
        boolean opened = false;
        try {
            SalvageSource source = of(path, file);
            opened = true;
            return source;
        } finally {
            if (!opened) {
                file.close();
            }
        }
    }

    private static SalvageSource of(Path path, RawFile file) {
        byte[] block = new byte[DataHeader.BLOCK_BYTES];
        file.read(DataHeader.HEADER_AT, block, block.length);
        DataHeader header;
        boolean sound = true;
        try {
            header = DataHeader.decode(path, block);
        } catch (CorruptStore | IncompatibleFormat e) {
            DataHeader guess = wroteOtherVersion(block) ? null : guess(file);
            if (guess == null) {
                throw asNoStore(path, file, e);
            }
            header = guess;
            sound = false;
        }
        byte[] open = new byte[OpenBlock.BYTES];
        file.read(DataHeader.OPEN_BLOCK_AT, open, open.length);
        OpenBlock openBlock = OpenBlock.decode(open);
        return new SalvageSource(
                path, file, header, sound, openBlock, slots(file, header, openBlock));
    }

    /** Whether a header is sound and of another version. */
    private static boolean wroteOtherVersion(byte[] block) {
        return Words.plain(block, DataHeader.MAGIC) == DataHeader.MAGIC_VALUE
                && Words.intPlain(block, DataHeader.CRC) == Checksum.of(block, 0, DataHeader.CRC);
    }

    private static CairnException asNoStore(Path path, RawFile file, CairnException e) {
        return file.size() > 0
                ? e
                : new IncompatibleFormat(path, "is not a Cairn store: the file is empty");
    }

    /** What the header must have said, according to a whole slot and the regions that it names. */
    private static @Nullable DataHeader guess(RawFile file) {
        for (int stripes = 1; stripes <= MAX_STRIPES; stripes *= 2) {
            for (int index = 0; index < 2; index++) {
                byte[] encoded = new byte[CheckpointSlot.bytes(stripes)];
                if (file.read(DataHeader.slotAt(index, stripes), encoded, encoded.length) > 0) {
                    continue;
                }
                UUID storeId = Checksum.idAt(encoded, CheckpointSlot.STORE_ID);
                CheckpointSlot slot = CheckpointSlot.decode(encoded, storeId, index, stripes);
                DataHeader header = slot == null ? null : guess(file, storeId, slot);
                if (header != null) {
                    return header;
                }
            }
        }
        return null;
    }

    /**
     * The region size with which most of the regions that are looked at begin with their header.
     */
    private static @Nullable DataHeader guess(RawFile file, UUID storeId, CheckpointSlot slot) {
        DataHeader best = null;
        int most = 0;
        for (int bytes = DataHeader.MAX_REGION_BYTES;
                bytes >= DataHeader.MIN_REGION_BYTES;
                bytes /= 2) {
            DataHeader header =
                    new DataHeader(
                            storeId,
                            new UUID(0, 0),
                            slot.cuts().size(),
                            bytes,
                            Durability.CHECKPOINT,
                            true,
                            CacheTerms.NONE);
            int fit = 0;
            for (Cut cut : slot.cuts()) {
                RegionHeader tail =
                        cut.tail() == 0 ? null : header(file, header, Place.region(cut.tail()));
                fit += tail != null && tail.number() == cut.tailNumber() ? 1 : 0;
            }
            for (int region = 0; region < LOOKED_AT; region++) { // all tails may be destroyed
                fit += header(file, header, region) == null ? 0 : 1;
            }
            // if only region 0 has a header, any size fits: then take the greatest for which the
            // file is long enough, since a file is extended by whole regions
            boolean tooLong = best == null || best.regionAt(slot.regions()) > file.size();
            if (fit > most || fit == most && fit > 0 && tooLong) {
                best = header;
                most = fit;
            }
        }
        return best;
    }

    private static @Nullable RegionHeader header(RawFile file, DataHeader header, long region) {
        byte[] bytes = new byte[RegionHeader.BYTES];
        return file.read(header.regionAt(region), bytes, bytes.length) > 0
                ? null
                : RegionHeader.decode(bytes, header.storeId(), region);
    }

    private static Slots slots(RawFile file, DataHeader header, @Nullable OpenBlock openBlock) {
        CheckpointSlot newest = null;
        int newestCrc = 0;
        int whole = 0;
        boolean blank = false;
        for (int index = 0; index < 2; index++) {
            byte[] encoded = new byte[CheckpointSlot.bytes(header.stripes())];
            int missing =
                    file.read(DataHeader.slotAt(index, header.stripes()), encoded, encoded.length);
            CheckpointSlot slot =
                    CheckpointSlot.decode(encoded, header.storeId(), index, header.stripes());
            whole += slot == null ? 0 : 1;
            blank |= missing == 0 && Arrays.equals(encoded, new byte[encoded.length]);
            if (slot != null && (newest == null || slot.epoch() > newest.epoch())) {
                newest = slot;
                newestCrc = CheckpointSlot.crc(encoded);
            }
        }
        // a backup that nobody has opened has one slot; any other store had a second checkpoint
        boolean certain = whole == 2 || whole == 1 && blank && OpenBlock.NONE.equals(openBlock);
        return new Slots(newest, newestCrc, certain);
    }

    Path path() {
        return path;
    }

    DataHeader header() {
        return header;
    }

    /** Whether the header could be read, and with it the seed of the hash. */
    boolean headerSound() {
        return headerSound;
    }

    /** Whether no damaged slot may have held a newer checkpoint than {@link #checkpoint}. */
    boolean newest() {
        return newest;
    }

    /** The newest checkpoint that can be read. */
    @Nullable CheckpointSlot checkpoint() {
        return slot;
    }

    /**
     * Takes an empty checkpoint for none: it may be the one with which the store began, when the
     * only other one is damaged.
     */
    void ignoreEmptyCheckpoint() {
        if (slot != null && slot.cuts().stream().allMatch(cut -> cut.tail() == 0)) {
            slot = null;
        }
    }

    /** The fixed part before the regions; null unless all that is needed of it is sound. */
    DataFiles.@Nullable Prefix prefix() {
        return slot == null || !headerSound || openBlock == null
                ? null
                : new DataFiles.Prefix(header, openBlock, slot, slotCrc);
    }

    /**
     * The number of regions for which the file has room; the last one may be there only in part.
     */
    long regions() {
        long bytes = Math.max(0, file.size() - header.regionsAt());
        return (bytes + header.regionBytes() - 1) / header.regionBytes();
    }

    boolean has(long region) {
        return region >= 0 && region < regions();
    }

    /** Reads from the file. Bytes that cannot be read become zeros, and are counted. */
    int read(long at, byte[] to, int length) {
        return file.read(at, to, length);
    }

    /** The header of a region of a chain or of a run; null if the bytes there are none. */
    @Nullable RegionHeader header(long region) {
        return has(region) ? header(file, header, region) : null;
    }

    /**
     * Finds a region of a stripe's chain by its own header.
     *
     * @param least the least number that it may have
     * @param below its number must be below this
     * @return the region with the greatest number, null if there is none
     */
    @Nullable RegionHeader search(int stripe, long least, long below) {
        long[] all = owners();
        long best = -1;
        long number = least - 1;
        for (int region = 0; region < all.length; region++) {
            long found = OwnerWords.number(all[region]);
            if (all[region] != 0
                    && OwnerWords.stripe(all[region]) == stripe
                    && found > number
                    && found < below) {
                best = region;
                number = found;
            }
        }
        return best < 0 ? null : header(best);
    }

    private long[] owners() {
        if (owners == null) {
            long[] all = new long[Math.toIntExact(regions())];
            for (int region = 0; region < all.length; region++) {
                RegionHeader found = header(region);
                if (found != null && found.runRegions() == 0) {
                    all[region] = OwnerWords.alive(found.stripe(), found.number());
                }
            }
            owners = all;
        }
        return owners;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
