package dev.cairn.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Attacks the offsets in the layout classes: no field may overlap another, and words must be
 * aligned. The canary is an overlap.
 */
class LayoutTest {
    private static final int LINE_BYTES = 64;

    private record Place(String name, long at, long bytes) {}

    /** All numeric constants of a class, by name. */
    private static Map<String, Long> constants(Class<?> layout) {
        Map<String, Long> constants = new TreeMap<>();
        for (Field field : layout.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())
                    && Modifier.isPublic(field.getModifiers())
                    && (field.getType() == int.class || field.getType() == long.class)) {
                try {
                    constants.put(field.getName(), ((Number) field.get(null)).longValue());
                } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                }
            }
        }
        return constants;
    }

    /**
     * Requires that the fields of a layout do not overlap and end before its end.
     *
     * @param others the constants that are no fields
     * @param bytes the lengths of the fields that are no words of 8 bytes
     */
    private static void isSound(
            Class<?> layout, long from, long end, Set<String> others, Map<String, Integer> bytes) {
        List<Place> fields = new ArrayList<>();
        constants(layout)
                .forEach((name, at) -> {
                    if (!others.contains(name)) {
                        fields.add(new Place(name, at, bytes.getOrDefault(name, 8)));
                    }
                });
        disjoint(fields, from, end);
        for (Place field : fields) {
            assertThat(field.at % Math.min(8, field.bytes)).as("alignment of " + field).isZero();
        }
    }

    private static void disjoint(List<Place> fields, long from, long end) {
        fields.sort(Comparator.comparingLong(Place::at));
        long free = from;
        for (Place field : fields) {
            assertThat(field.at).as(field.toString()).isGreaterThanOrEqualTo(free);
            free = field.at + field.bytes;
        }
        assertThat(free).as("end of the last field").isLessThanOrEqualTo(end);
    }

    @Test
    void sharedMemoryHeader() {
        isSound(
                SharedLayout.class,
                0,
                SharedLayout.STRIPE_DESCRIPTORS,
                Set.of(
                        "DIRECTORY_ENTRIES",
                        "PROCESS_SLOTS",
                        "PROCESS_BYTES",
                        "PIN_SLOTS",
                        "CLAIM_BUCKETS",
                        "STRIPE_DESCRIPTORS",
                        "MAGIC_VALUE",
                        "AREA_BYTES"),
                Map.of(
                        "STORE_ID",
                        16,
                        "NONCE",
                        16,
                        "BOOT_ID",
                        16,
                        "CLEAN_TIMELINE",
                        16,
                        "TIMELINE",
                        16,
                        "PINS",
                        SharedLayout.PIN_SLOTS * PinWords.BYTES,
                        "CLAIMS",
                        SharedLayout.CLAIM_BUCKETS * ClaimWords.BYTES,
                        "CACHE_COUNTERS",
                        CounterWords.BYTES,
                        "DIRECTORY",
                        SharedLayout.DIRECTORY_ENTRIES * 8,
                        "PROCESSES",
                        SharedLayout.PROCESS_SLOTS * SharedLayout.PROCESS_BYTES));
        assertThat(SharedLayout.areasAt(1) % SharedLayout.AREA_BYTES).isZero();
        assertThat(SharedLayout.areasAt(4096)).isGreaterThanOrEqualTo(SharedLayout.stripeAt(4096));
        assertThat(SharedLayout.stripeAt(0) % LINE_BYTES).isZero();
    }

    @Test
    void countersAreOneLine() {
        isSound(CounterWords.class, 0, CounterWords.BYTES, Set.of("BYTES"), Map.of());
        assertThat(CounterWords.BYTES).isEqualTo(LINE_BYTES);
        assertThat(SharedLayout.CACHE_COUNTERS % LINE_BYTES).isZero();
        assertThat(SharedLayout.CACHE_COUNTERS)
                .isGreaterThanOrEqualTo(
                        SharedLayout.DIRECTORY + SharedLayout.DIRECTORY_ENTRIES * 8);
    }

    @Test
    void bucketOfClaims() {
        isSound(
                ClaimWords.class,
                0,
                ClaimWords.BYTES,
                Set.of("BYTES", "CLAIM_BYTES", "COUNT", "HASH", "OWNER"),
                Map.of("CLAIMS", ClaimWords.COUNT * ClaimWords.CLAIM_BYTES));
        assertThat(ClaimWords.OWNER).isEqualTo(ClaimWords.HASH + Long.BYTES);
        assertThat(ClaimWords.CLAIM_BYTES).isEqualTo(ClaimWords.OWNER + Long.BYTES);
        assertThat(SharedLayout.claimBucketAt(0) % LINE_BYTES).isZero();
        assertThat(SharedLayout.claimBucketAt(SharedLayout.CLAIM_BUCKETS))
                .isEqualTo(SharedLayout.STRIPE_DESCRIPTORS);
    }

    @Test
    void pin() {
        isSound(PinWords.class, 0, PinWords.BYTES, Set.of("BYTES"), Map.of());
    }

    @Test
    void stripeDescriptor() {
        isSound(
                StripeWords.class,
                0,
                StripeWords.BYTES,
                Set.of("BYTES", "WHOLE", "SHORT", "IN_PLACE", "CLEARING"),
                Map.of());
        assertThat(StripeWords.BYTES % LINE_BYTES).isZero();
        Map<String, Long> fields = constants(StripeWords.class);
        fields.keySet().removeAll(Set.of("BYTES", "WHOLE", "SHORT", "IN_PLACE", "CLEARING"));
        assertThat(fields.entrySet())
                .filteredOn(field -> field.getValue() < LINE_BYTES)
                .extracting(Map.Entry::getKey)
                .as("fields of line 0, which puts do not write")
                .containsExactlyInAnyOrder("TABLE", "SWINGS");
        assertThat(fields.entrySet())
                .filteredOn(field -> field.getValue() / LINE_BYTES == 1)
                .extracting(Map.Entry::getKey)
                .as("fields of line 1, which a short write changes")
                .containsExactlyInAnyOrder(
                        "LOCK",
                        "INTENT",
                        "VERSION",
                        "TAIL",
                        "LIVE_COUNT",
                        "LIVE_BYTES",
                        "LOG_BYTES",
                        "TAIL_DEAD");
        assertThat(fields.entrySet())
                .filteredOn(field -> field.getValue() / LINE_BYTES == 3)
                .extracting(Map.Entry::getKey)
                .as("fields of line 3, the companions of a short write")
                .containsExactlyInAnyOrder(
                        "NEW_SLOT_AT",
                        "NEW_SLOT_WORD",
                        "NEW_VERSION",
                        "NEW_TAIL",
                        "NEW_LIVE_COUNT",
                        "NEW_LIVE_BYTES",
                        "NEW_LOG_BYTES",
                        "NEW_TAIL_DEAD");
    }

    @Test
    void processEntry() {
        isSound(
                ProcessWords.class,
                0,
                SharedLayout.PROCESS_BYTES,
                Set.of("STATE_FREE", "STATE_OPEN", "LOCK_OF_PROCESS", "LOCK_OF_DESCRIPTION"),
                Map.of());
    }

    @Test
    void ownerEntry() {
        isSound(OwnerWords.class, 0, OwnerWords.BYTES, Set.of("BYTES"), Map.of());
        assertThat(OwnerWords.regionsOf(0) * OwnerWords.BYTES).isEqualTo(SharedLayout.AREA_BYTES);
    }

    @Test
    void bucketIsOneLine() {
        assertThat(BucketWords.BYTES).isEqualTo(LINE_BYTES);
        assertThat(BucketWords.FIRST_SLOT + BucketWords.SLOTS * 8).isEqualTo(BucketWords.BYTES);
    }

    @Test
    void dataHeader() {
        isSound(
                DataHeader.class,
                0,
                DataHeader.BYTES,
                Set.of(
                        "IN_PLACE",
                        "CACHE",
                        "BLOCK_BYTES",
                        "HEADER_AT",
                        "OPEN_BLOCK_AT",
                        "CHECKPOINT_SLOTS_AT",
                        "BYTES",
                        "MAGIC_VALUE",
                        "FORMAT_VERSION_VALUE",
                        "MIN_REGION_BYTES",
                        "MAX_REGION_BYTES"),
                Map.of(
                        "STORE_ID", 16,
                        "HASH_SEED", 16,
                        "FORMAT_VERSION", 4,
                        "FEATURES", 4,
                        "STRIPES", 4,
                        "REGION_BYTES", 4,
                        "DURABILITY", 4,
                        "CRC", 4,
                        "CACHE_CRC", 4));
        assertThat(DataHeader.CACHE_CRC + 4).isEqualTo(DataHeader.BYTES);
        assertThat(DataHeader.BYTES).isLessThanOrEqualTo(DataHeader.BLOCK_BYTES);
    }

    @Test
    void nothingSharesABlockWithHeaderOpenBlockOrSlot() {
        for (int stripes = 1; stripes <= 4096; stripes *= 2) {
            List<Place> blocks = new ArrayList<>();
            int slot = CheckpointSlot.bytes(stripes);
            blocks.add(new Place("header", DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES));
            blocks.add(new Place("open", DataHeader.OPEN_BLOCK_AT, DataHeader.BLOCK_BYTES));
            blocks.add(new Place("slot A", DataHeader.slotAt(0, stripes), slot));
            blocks.add(new Place("slot B", DataHeader.slotAt(1, stripes), slot));
            for (Place block : blocks) {
                assertThat(block.at % DataHeader.BLOCK_BYTES).as(block.toString()).isZero();
            }
            disjoint(blocks, 0, DataHeader.slotAt(2, stripes));
            assertThat(CheckpointSlot.CUTS + stripes * CheckpointSlot.CUT_BYTES)
                    .isLessThanOrEqualTo(slot);
        }
    }

    @Test
    void openBlock() {
        isSound(
                OpenBlock.class,
                0,
                OpenBlock.BYTES,
                Set.of("BYTES", "MAGIC_VALUE"),
                Map.of("CRC", 4, "NONCE", 16, "BOOT_ID", 16));
        assertThat(OpenBlock.BYTES).isLessThanOrEqualTo(DataHeader.BLOCK_BYTES);
    }

    @Test
    void checkpointSlot() {
        Set<String> cut = constantsThatBegin(CheckpointSlot.class, "CUT_");
        Set<String> others = new java.util.HashSet<>(cut);
        others.addAll(Set.of("CUTS", "MAGIC_VALUE"));
        isSound(
                CheckpointSlot.class,
                0,
                CheckpointSlot.CUTS,
                others,
                Map.of("CRC", 4, "SLOT_INDEX", 4, "STRIPES", 4, "STORE_ID", 16, "TIMELINE", 16));
        List<Place> fields = new ArrayList<>();
        constants(CheckpointSlot.class)
                .forEach((name, at) -> {
                    if (cut.contains(name) && !name.equals("CUT_BYTES")) {
                        fields.add(new Place(name, at, 8));
                    }
                });
        assertThat(fields).hasSize(7);
        disjoint(fields, 0, CheckpointSlot.CUT_BYTES);
    }

    private static Set<String> constantsThatBegin(Class<?> layout, String prefix) {
        Set<String> names = new java.util.HashSet<>(constants(layout).keySet());
        names.removeIf(name -> !name.startsWith(prefix));
        return names;
    }

    @Test
    void regionHeader() {
        isSound(
                RegionHeader.class,
                0,
                RegionHeader.BYTES,
                Set.of("BYTES", "MAGIC_VALUE"),
                Map.of("MAGIC", 4, "CRC", 4, "STORE_ID", 16, "STRIPE", 4, "RUN_REGIONS", 4));
        assertThat(RegionHeader.BYTES % dev.cairn.format.Place.UNIT_BYTES).isZero();
    }

    @Test
    void recordHeader() {
        List<Place> fields = new ArrayList<>();
        fields.add(new Place("version", RecordLayout.VERSION, 8));
        fields.add(new Place("crc", RecordLayout.CRC, 4));
        fields.add(new Place("kind", RecordLayout.KIND, 1));
        fields.add(new Place("flags", RecordLayout.FLAGS, 1));
        fields.add(new Place("key length", RecordLayout.KEY_LENGTH, 4));
        fields.add(new Place("value length", RecordLayout.VALUE_LENGTH, 4));
        disjoint(fields, 0, RecordLayout.HEADER_BYTES);
        List<Place> run = new ArrayList<>();
        run.add(new Place("run", RecordLayout.RUN_WORD, 8));
        run.add(new Place("number", RecordLayout.RUN_NUMBER, 8));
        run.add(new Place("crc", RecordLayout.RUN_CRC, 8));
        disjoint(run, 0, RecordLayout.RUN_BYTES);
        assertThat(RecordLayout.MIN_BYTES)
                .isEqualTo((int) RecordLayout.bytes(0, 0, 0))
                .isLessThanOrEqualTo(RegionHeader.BYTES);
    }

    /** The canary: two fields that overlap by one byte. */
    @Test
    void overlapIsNoticed() {
        List<Place> fields = new ArrayList<>();
        fields.add(new Place("a", 0, 8));
        fields.add(new Place("b", 7, 8));
        assertThatThrownBy(() -> disjoint(fields, 0, 64)).isInstanceOf(AssertionError.class);
    }
}
