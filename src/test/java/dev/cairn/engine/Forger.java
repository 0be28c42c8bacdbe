package dev.cairn.engine;

import dev.cairn.Durability;
import dev.cairn.format.CacheTerms;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.DataHeader;
import dev.cairn.format.OpenBlock;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.Words;
import dev.cairn.log.RecordBytes;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/** Changes the content of a data file and makes the checksum right again. */
final class Forger {
    private static final long[] NUMBERS = {
        0, 1, 2, -1, Long.MIN_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE, 1L << 31, 1L << 40, 1L << 51
    };

    /**
     * A fortieth of a cache's bound is reserved in shared memory. The watch must not find that too
     * much.
     */
    private static final int MOST_BOUND = 1 << 30;

    private final byte[] data;
    private final Random random;
    private final DataHeader header;
    private final RecordBytes recordBytes;

    /**
     * What was forged.
     *
     * @param structure whether it may hide other keys than those
     * @param harmless whether nothing was changed that leads to a value
     * @param keys the keys of forged records, as they were before and are afterwards
     */
    record Forged(String what, boolean structure, boolean harmless, List<byte[]> keys) {}

    /** A record of the file, with its header before it is forged. */
    private record Found(RegionHeader region, int at, int room, RecordBytes.Header record) {}

    /**
     * Forges a file.
     *
     * @param sound the file as it was, for its identity
     * @param data the file to change
     */
    Forger(byte[] sound, byte[] data, Random random) {
        this.data = data;
        this.random = random;
        header = DataHeader.decode(Path.of("forged"), Arrays.copyOf(sound, DataHeader.BLOCK_BYTES));
        recordBytes = new RecordBytes(header);
    }

    Forged forge() {
        return switch (random.nextInt(12)) {
            case 0 -> forgeHeader();
            case 1, 2, 3 -> forgeSlot();
            case 4, 5, 6 -> forgeRegion();
            case 7 -> forgeOpenBlock();
            default -> forgeRecord();
        };
    }

    private static Forged structure(Object what) {
        return new Forged(what.toString(), true, false, List.of());
    }

    private static Forged nothing(String why) {
        return new Forged(why, false, true, List.of());
    }

    private void store(byte[] bytes, long at) {
        int length = Math.min(bytes.length, data.length - (int) at);
        System.arraycopy(bytes, 0, data, (int) at, Math.max(0, length));
    }

    private long number(long present) {
        return switch (random.nextInt(5)) {
            case 0 -> NUMBERS[random.nextInt(NUMBERS.length)];
            case 1 -> present ^ 1L << random.nextInt(Long.SIZE);
            default -> present + random.nextInt(-3, 4);
        };
    }

    private long rarely(long present) {
        return random.nextInt(4) == 0 ? number(present) : present;
    }

    private Forged forgeHeader() {
        UUID seed = header.hashSeed();
        DataHeader forged =
                new DataHeader(
                        header.storeId(),
                        random.nextInt(4) == 0
                                ? new UUID(seed.getMostSignificantBits() ^ 1, 7)
                                : seed,
                        random.nextBoolean() ? 1 << random.nextInt(7) : header.stripes(),
                        random.nextBoolean() ? 4096 << random.nextInt(4) : header.regionBytes(),
                        random.nextInt(4) == 0 ? Durability.NONE : header.durability(),
                        random.nextBoolean(),
                        random.nextInt(3) == 0
                                ? new CacheTerms(
                                        random.nextInt(MOST_BOUND), random.nextInt(100_000))
                                : header.cache());
        store(forged.encode(), 0);
        return structure(forged);
    }

    private Forged forgeSlot() {
        int index = random.nextInt(2);
        int at = (int) DataHeader.slotAt(index, header.stripes());
        int length = CheckpointSlot.bytes(header.stripes());
        CheckpointSlot slot =
                CheckpointSlot.decode(
                        Arrays.copyOfRange(data, at, at + length),
                        header.storeId(),
                        index,
                        header.stripes());
        if (slot == null) {
            return nothing("no slot " + index);
        }
        List<Cut> cuts = new ArrayList<>(slot.cuts());
        int which = random.nextInt(8);
        if (which < 5) {
            int stripe = random.nextInt(cuts.size());
            cuts.set(stripe, forged(cuts.get(stripe)));
        } else if (which == 5) {
            cuts.set(random.nextInt(cuts.size()), cuts.get(random.nextInt(cuts.size())));
        }
        boolean figures = which > 5;
        CheckpointSlot forged =
                new CheckpointSlot(
                        random.nextInt(6) == 0 ? new UUID(1, 2) : slot.timeline(),
                        random.nextInt(3) == 0 ? number(slot.epoch()) : slot.epoch(),
                        figures ? rarely(slot.regions()) : slot.regions(),
                        figures ? rarely(slot.allocations()) : slot.allocations(),
                        figures ? rarely(slot.clock()) : slot.clock(),
                        figures ? rarely(slot.wall()) : slot.wall(),
                        cuts);
        store(forged.encode(header.storeId(), index), at);
        return structure("slot " + index + " " + forged);
    }

    private Cut forged(Cut cut) {
        long[] words = {
            cut.oldest(),
            cut.oldestNumber(),
            cut.tail(),
            cut.tailNumber(),
            cut.version(),
            cut.liveCount(),
            cut.liveBytes()
        };
        int i = random.nextInt(words.length);
        words[i] =
                i == 2 && random.nextBoolean()
                        ? Place.tail(
                                random.nextInt(20),
                                random.nextLong(header.regionBytes() / 16 + 2) * 16)
                        : number(words[i]);
        if (random.nextInt(3) == 0) {
            int j = random.nextInt(words.length);
            words[j] = number(words[j]);
        }
        return new Cut(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
    }

    private Forged forgeOpenBlock() {
        int at = (int) DataHeader.OPEN_BLOCK_AT;
        OpenBlock block = OpenBlock.decode(Arrays.copyOfRange(data, at, at + OpenBlock.BYTES));
        if (block == null) {
            return nothing("no open block");
        }
        OpenBlock forged =
                switch (random.nextInt(3)) {
                    case 0 -> OpenBlock.NONE;
                    case 1 -> new OpenBlock(new UUID(3, 4), block.bootId());
                    default -> new OpenBlock(block.nonce(), new UUID(3, 4));
                };
        store(forged.encode(), at);
        return nothing(forged.toString());
    }

    private @Nullable RegionHeader region(long region) {
        long at = header.regionAt(region);
        return at + header.regionBytes() > data.length
                ? null
                : RegionHeader.decode(
                        Arrays.copyOfRange(data, (int) at, (int) at + RegionHeader.BYTES),
                        header.storeId(),
                        region);
    }

    private List<RegionHeader> regions() {
        List<RegionHeader> regions = new ArrayList<>();
        for (int i = 0; header.regionAt(i) < data.length; i++) {
            RegionHeader region = region(i);
            if (region != null) {
                regions.add(region);
            }
        }
        return regions;
    }

    /**
     * Forges the header of a region. It may lie at the place of another region, and chains may lead
     * back to where they began.
     */
    private Forged forgeRegion() {
        List<RegionHeader> all = regions();
        if (all.isEmpty()) {
            return nothing("no region");
        }
        RegionHeader region = all.get(random.nextInt(all.size()));
        RegionHeader link = all.get(random.nextInt(all.size()));
        RegionHeader forged =
                switch (random.nextInt(6)) {
                    case 0 -> // a cycle, or a way into another stripe's chain
                            new RegionHeader(
                                    region.region(),
                                    region.number(),
                                    region.stripe(),
                                    region.runRegions(),
                                    link.region() + 1,
                                    link.number());
                    case 1 -> // a cycle in which numbers fall
                            new RegionHeader(
                                    region.region(),
                                    region.number(),
                                    region.stripe(),
                                    region.runRegions(),
                                    region.region() + 1,
                                    region.number() - 1);
                    case 2 ->
                            new RegionHeader(
                                    region.region(),
                                    number(region.number()),
                                    region.stripe(),
                                    region.runRegions(),
                                    region.predecessor(),
                                    region.predecessorNumber());
                    case 3 ->
                            new RegionHeader(
                                    region.region(),
                                    region.number(),
                                    (int) number(region.stripe()),
                                    region.runRegions(),
                                    region.predecessor(),
                                    region.predecessorNumber());
                    case 4 ->
                            new RegionHeader(
                                    region.region(),
                                    region.number(),
                                    region.stripe(),
                                    (int) number(region.runRegions()),
                                    region.predecessor(),
                                    region.predecessorNumber());
                    default ->
                            new RegionHeader(
                                    region.region(),
                                    region.number(),
                                    region.stripe(),
                                    region.runRegions(),
                                    number(region.predecessor()),
                                    number(region.predecessorNumber()));
                };
        store(forged.encode(header.storeId()), header.regionAt(region.region()));
        return structure(forged);
    }

    private @Nullable Found record() {
        List<Found> found = new ArrayList<>();
        for (RegionHeader region : regions()) {
            int start = (int) header.regionAt(region.region());
            int at = start + RegionHeader.BYTES;
            int end = Math.min(data.length, start + header.regionBytes());
            while (region.runRegions() == 0 && at + RecordLayout.MIN_BYTES <= end) {
                RecordBytes.Header record = recordBytes.header(data, at, end - at);
                if (record == null
                        || recordBytes.checksumOf(
                                        record, region.stripe(), region.number(), at, data, at)
                                != record.checksum()) {
                    break;
                }
                found.add(new Found(region, at, end - at, record));
                at += record.bytes();
            }
        }
        return found.isEmpty() ? null : found.get(random.nextInt(found.size()));
    }

    private Forged forgeRecord() {
        Found found = record();
        if (found == null) {
            return nothing("no record");
        }
        List<byte[]> keys = new ArrayList<>();
        key(found.record, found.at, keys);
        byte[] before = Arrays.copyOfRange(data, found.at, found.at + RecordLayout.HEADER_BYTES);
        int times = 1 + random.nextInt(2);
        for (int i = 0; i < times; i++) {
            changeRecord(found);
        }
        RecordBytes.Header after = recordBytes.header(data, found.at, found.room);
        int bytes = found.record.bytes();
        if (after != null) {
            key(after, found.at, keys);
            bytes = after.kind() == RecordLayout.FILLER ? RecordLayout.HEADER_BYTES : after.bytes();
        }
        Words.setIntPlain(data, found.at + RecordLayout.CRC, 0);
        RecordBytes.Sum sum =
                recordBytes.sum(found.region.stripe(), found.region.number(), found.at);
        sum.add(data, found.at, bytes);
        Words.setIntPlain(data, found.at + RecordLayout.CRC, sum.value());
        byte[] now = Arrays.copyOfRange(data, found.at, found.at + RecordLayout.HEADER_BYTES);
        return new Forged(
                "record at %d: %s to %s"
                        .formatted(
                                found.at,
                                java.util.HexFormat.of().formatHex(before),
                                java.util.HexFormat.of().formatHex(now)),
                false,
                false,
                keys);
    }

    /** Notes the key that a record contains. A key in a run is one of the long ones. */
    private void key(RecordBytes.Header record, int at, List<byte[]> keys) {
        if (record.is(RecordLayout.KEY_IN_RUN)) {
            for (int number = 40; number < FuzzedStore.KEYS; number++) {
                keys.add(FuzzedStore.key(number));
            }
        } else {
            int from = at + record.keyAt();
            keys.add(
                    Arrays.copyOfRange(
                            data, from, Math.min(data.length, from + record.keyLength())));
        }
    }

    private void changeRecord(Found found) {
        int at = found.at;
        switch (random.nextInt(9)) {
            case 0 ->
                    Words.setPlain(data, at, number(Words.plain(data, at + RecordLayout.VERSION)));
            case 1 -> data[at + RecordLayout.KIND] = (byte) random.nextInt(5);
            case 2 -> data[at + RecordLayout.FLAGS] = (byte) random.nextInt(16);
            case 3 -> data[at + RecordLayout.OVERWRITES] = (byte) random.nextInt();
            case 4 -> data[at + RecordLayout.HEAT] = (byte) random.nextInt();
            case 5 ->
                    Words.setIntPlain(
                            data,
                            at + RecordLayout.KEY_LENGTH,
                            (int) number(found.record.keyLength()));
            case 6 ->
                    Words.setIntPlain(
                            data,
                            at + RecordLayout.VALUE_LENGTH,
                            (int) number(found.record.valueLength()));
            case 7 -> { // what follows the header: an expiry, a run, or a key
                if (found.record.bytes() > RecordLayout.HEADER_BYTES + Long.BYTES) {
                    int extension =
                            RecordLayout.extensionBytes(RecordLayout.flags(found.record.control()));
                    int word =
                            at
                                    + RecordLayout.HEADER_BYTES
                                    + random.nextInt(Math.max(1, extension / Long.BYTES))
                                            * Long.BYTES;
                    Words.setPlain(data, word, number(Words.plain(data, word)));
                }
            }
            default -> {
                int value = at + found.record.valueAt();
                if (found.record.valueLength() > 0 && !found.record.is(RecordLayout.VALUE_IN_RUN)) {
                    data[value] ^= 1;
                }
            }
        }
    }
}
