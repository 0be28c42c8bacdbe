package dev.cairn.format;

import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.IncompatibleFormat;

import java.nio.file.Path;
import java.util.UUID;

/**
 * The first block of the data file: what never changes in a store's life.
 *
 * @param storeId a random ID
 * @param hashSeed two random words, the keys of the hash function
 * @param stripes the number of stripes, a power of two
 * @param regionBytes the size of a region, a power of two
 * @param durability the durability, fixed when the file is created
 * @param overwritesInPlace whether records may have been overwritten in place
 * @param cache whether and when entries are evicted, or expire because nobody reads them
 */
public record DataHeader(
        UUID storeId,
        UUID hashSeed,
        int stripes,
        int regionBytes,
        Durability durability,
        boolean overwritesInPlace,
        CacheTerms cache) {
    /**
     * The size of a block. A block is forced or torn by itself, so the header and each checkpoint slot have
     * blocks of their own.
     */
    public static final int BLOCK_BYTES = 4096;

    public static final long HEADER_AT = 0;
    public static final long OPEN_BLOCK_AT = HEADER_AT + BLOCK_BYTES;
    public static final long CHECKPOINT_SLOTS_AT = OPEN_BLOCK_AT + BLOCK_BYTES;

    public static final int MAGIC = 0;
    public static final int FORMAT_VERSION = 8;
    public static final int FEATURES = 12;
    public static final int STORE_ID = 16;
    public static final int HASH_SEED = 32;
    public static final int STRIPES = 48;
    public static final int REGION_BYTES = 52;
    public static final int DURABILITY = 56;
    public static final int CRC = 60;
    public static final int MAX_BYTES = 64;
    public static final int IDLE_MILLIS = 72;
    public static final int CACHE_CRC = 80;
    public static final int BYTES = 84;

    /** The bytes "CAIRNKV" and a newline, which a transfer in text mode would change. */
    public static final long MAGIC_VALUE = 0x0A56_4B4E_5249_4143L;

    public static final int FORMAT_VERSION_VALUE = 1;
    public static final int MIN_REGION_BYTES = 4096;
    public static final int MAX_REGION_BYTES = 1 << 26;
    private static final int MAX_STRIPES = 4096;
    public static final int IN_PLACE = 1;
    public static final int CACHE = 2;
    private static final int ALL_FEATURES = IN_PLACE | CACHE;
    private static final int CHECKPOINT = 0;
    private static final int NONE = 1;

    public static long slotAt(int slot, int stripes) {
        return CHECKPOINT_SLOTS_AT + (long) slot * CheckpointSlot.bytes(stripes);
    }

    /** This header with other numbers of stripes and bytes per region. */
    public DataHeader with(int otherStripes, int otherRegionBytes) {
        return new DataHeader(
                storeId,
                hashSeed,
                otherStripes,
                otherRegionBytes,
                durability,
                overwritesInPlace,
                cache);
    }

    /** The offset at which region 0 begins. */
    public long regionsAt() {
        return slotAt(2, stripes);
    }

    public long regionAt(long region) {
        return regionsAt() + region * regionBytes;
    }

    public byte[] encode() {
        byte[] block = new byte[BLOCK_BYTES];
        Words.setPlain(block, MAGIC, MAGIC_VALUE);
        Words.setIntPlain(block, FORMAT_VERSION, FORMAT_VERSION_VALUE);
        Words.setIntPlain(block, FEATURES, features());
        Checksum.putId(block, STORE_ID, storeId);
        Checksum.putId(block, HASH_SEED, hashSeed);
        Words.setIntPlain(block, STRIPES, stripes);
        Words.setIntPlain(block, REGION_BYTES, regionBytes);
        Words.setIntPlain(block, DURABILITY, durability == Durability.NONE ? NONE : CHECKPOINT);
        Words.setIntPlain(block, CRC, Checksum.of(block, 0, CRC));
        if (isCache()) {
            Words.setPlain(block, MAX_BYTES, cache.maxBytes());
            Words.setPlain(block, IDLE_MILLIS, cache.idleMillis());
            Words.setIntPlain(block, CACHE_CRC, cacheCrc(block));
        }
        return block;
    }

    private int features() {
        return (overwritesInPlace ? IN_PLACE : 0) | (isCache() ? CACHE : 0);
    }

    /** Whether entries are evicted, or expire because nobody reads them. */
    public boolean isCache() {
        return !cache.equals(CacheTerms.NONE);
    }

    private static int cacheCrc(byte[] block) {
        return Checksum.of(block, MAX_BYTES, CACHE_CRC);
    }

    /**
     * Parses and verifies a header.
     *
     * @param block the file's first {@link #BLOCK_BYTES} bytes
     * @throws IncompatibleFormat if the file is not a Cairn store, or one of another version
     * @throws CorruptStore if it is one, and damaged
     */
    public static DataHeader decode(Path file, byte[] block) {
        long magic = Words.plain(block, MAGIC);
        if (magic != MAGIC_VALUE) {
            throw new IncompatibleFormat(
                    file, "is not a Cairn store: it begins with 0x%016x".formatted(magic));
        }
        int version = Words.intPlain(block, FORMAT_VERSION);
        int features = Words.intPlain(block, FEATURES);
        if (version != FORMAT_VERSION_VALUE || (features & ~ALL_FEATURES) != 0) {
            throw new IncompatibleFormat(
                    file,
                    ("has format version %d and features 0x%x; this Cairn reads version"
                                            + " %d and features")
                                    .formatted(version, features, FORMAT_VERSION_VALUE)
                            + " up to 0x%x: use the Cairn that wrote it".formatted(ALL_FEATURES));
        }
        int crc = Checksum.of(block, 0, CRC);
        if (crc != Words.intPlain(block, CRC)) {
            throw new CorruptStore(
                    file, CRC, "header CRC " + hex(crc), hex(Words.intPlain(block, CRC)));
        }
        int stripes = Words.intPlain(block, STRIPES);
        int regionBytes = Words.intPlain(block, REGION_BYTES);
        int durability = Words.intPlain(block, DURABILITY);
        if (Integer.bitCount(stripes) != 1 || stripes < 1 || stripes > MAX_STRIPES) {
            throw new CorruptStore(
                    file,
                    STRIPES,
                    "a number of stripes from 1 to 4096 that is a power of two",
                    "" + stripes);
        }
        if (Integer.bitCount(regionBytes) != 1
                || regionBytes < MIN_REGION_BYTES
                || regionBytes > MAX_REGION_BYTES) {
            throw new CorruptStore(
                    file,
                    REGION_BYTES,
                    "a region size from 4 KiB to 64 MiB that is a power of two",
                    "" + regionBytes);
        }
        if (durability != CHECKPOINT && durability != NONE) {
            throw new CorruptStore(file, DURABILITY, "0 or 1 as durability class", "" + durability);
        }
        DataHeader header =
                new DataHeader(
                        Checksum.idAt(block, STORE_ID),
                        Checksum.idAt(block, HASH_SEED),
                        stripes,
                        regionBytes,
                        durability == NONE ? Durability.NONE : Durability.CHECKPOINT,
                        (features & IN_PLACE) != 0,
                        (features & CACHE) == 0 ? CacheTerms.NONE : cacheTerms(file, block));
        long least = header.regionAt(CacheTerms.LEAST_REGIONS);
        if (header.cache().evicts() && header.cache().maxBytes() < least) {
            throw new CorruptStore(
                    file,
                    MAX_BYTES,
                    "maxBytes of at least %d".formatted(least),
                    "" + header.cache().maxBytes());
        }
        return header;
    }

    private static CacheTerms cacheTerms(Path file, byte[] block) {
        int crc = cacheCrc(block);
        if (crc != Words.intPlain(block, CACHE_CRC)) {
            throw new CorruptStore(
                    file,
                    CACHE_CRC,
                    "CRC " + hex(crc) + " of the terms of eviction",
                    hex(Words.intPlain(block, CACHE_CRC)));
        }
        CacheTerms terms =
                new CacheTerms(Words.plain(block, MAX_BYTES), Words.plain(block, IDLE_MILLIS));
        if (terms.maxBytes() < 0
                || terms.maxBytes() > CacheTerms.MOST_BYTES
                || terms.idleMillis() < 0
                || terms.idleMillis() > CacheTerms.LONGEST_IDLE_MILLIS
                || terms.equals(CacheTerms.NONE)) {
            throw new CorruptStore(
                    file,
                    MAX_BYTES,
                    "terms of eviction that are not negative and not both 0, with"
                            + " maxBytes of at most "
                            + CacheTerms.MOST_BYTES,
                    terms.toString());
        }
        return terms;
    }

    static String hex(int word) {
        return "0x%08x".formatted(word);
    }
}
