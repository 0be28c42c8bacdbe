package dev.cairn.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.IncompatibleFormat;
import dev.cairn.format.CheckpointSlot.Cut;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/**
 * Attacks the first blocks of a file: what stands there must come back as it was written, or not at
 * all.
 */
class HeadersTest {
    private static final Path FILE = Path.of("a.cairn");
    private static final UUID STORE = new UUID(3, 5);
    private static final UUID OTHER = new UUID(3, 6);
    private static final CacheTerms CACHE = new CacheTerms(1L << 30, 60_000);

    private static DataHeader header(Durability durability, boolean inPlace, CacheTerms cache) {
        return new DataHeader(STORE, new UUID(7, 9), 4, 1 << 16, durability, inPlace, cache);
    }

    private static byte[] plain() {
        return header(Durability.CHECKPOINT, false, CacheTerms.NONE).encode();
    }

    private static byte[] cache() {
        return header(Durability.CHECKPOINT, false, CACHE).encode();
    }

    /** The block with one number changed, and with a right checksum again. */
    private static byte[] withInt(int at, int value) {
        byte[] block = plain();
        Words.setIntPlain(block, at, value);
        Words.setIntPlain(block, DataHeader.CRC, Checksum.of(block, 0, DataHeader.CRC));
        return block;
    }

    private static byte[] withTerms(long maxBytes, long idleMillis) {
        byte[] block = cache();
        Words.setPlain(block, DataHeader.MAX_BYTES, maxBytes);
        Words.setPlain(block, DataHeader.IDLE_MILLIS, idleMillis);
        int crc = Checksum.of(block, DataHeader.MAX_BYTES, DataHeader.CACHE_CRC);
        Words.setIntPlain(block, DataHeader.CACHE_CRC, crc);
        return block;
    }

    private static void isCorrupt(byte[] block, int at) {
        assertThatThrownBy(() -> DataHeader.decode(FILE, block))
                .isInstanceOfSatisfying(
                        CorruptStore.class, e -> assertThat(e.offset()).isEqualTo(at));
    }

    private static void isSound(byte[] block) {
        assertThatCode(() -> DataHeader.decode(FILE, block)).doesNotThrowAnyException();
    }

    @Test
    void headerComesBackAsItWas() {
        for (Durability durability : List.of(Durability.CHECKPOINT, Durability.NONE)) {
            for (boolean inPlace : new boolean[] {false, true}) {
                for (CacheTerms cache :
                        List.of(
                                CacheTerms.NONE,
                                CACHE,
                                new CacheTerms(0, 60_000),
                                new CacheTerms(1L << 30, 0))) {
                    DataHeader header = header(durability, inPlace, cache);
                    assertThat(DataHeader.decode(FILE, header.encode())).isEqualTo(header);
                }
            }
        }
    }

    @Test
    void fileThatIsNoStoreIsIncompatible() {
        assertThatThrownBy(() -> DataHeader.decode(FILE, new byte[DataHeader.BLOCK_BYTES]))
                .isInstanceOf(IncompatibleFormat.class)
                .hasMessageContaining("is not a Cairn store");
    }

    @ParameterizedTest
    @CsvSource({DataHeader.FORMAT_VERSION + ", 2", DataHeader.FEATURES + ", 4"})
    void storeOfAnotherVersionIsIncompatible(int at, int value) {
        assertThatThrownBy(() -> DataHeader.decode(FILE, withInt(at, value)))
                .isInstanceOf(IncompatibleFormat.class)
                .hasMessageContaining("use the Cairn that wrote it");
    }

    @Test
    void changedBitOfTheHeaderIsToldWithBothChecksums() {
        byte[] block = plain();
        int stood = Words.intPlain(block, DataHeader.CRC);
        block[DataHeader.HASH_SEED] ^= 1;
        isCorrupt(block, DataHeader.CRC);
        assertThatThrownBy(() -> DataHeader.decode(FILE, block))
                .hasMessageContaining("0x%08x".formatted(Checksum.of(block, 0, DataHeader.CRC)))
                .hasMessageContaining("0x%08x".formatted(stood));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4096})
    void stripesThatThereMayBe(int stripes) {
        isSound(withInt(DataHeader.STRIPES, stripes));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 8192, Integer.MIN_VALUE})
    void stripesThatThereCannotBe(int stripes) {
        isCorrupt(withInt(DataHeader.STRIPES, stripes), DataHeader.STRIPES);
    }

    @ParameterizedTest
    @ValueSource(ints = {DataHeader.MIN_REGION_BYTES, DataHeader.MAX_REGION_BYTES})
    void sizesThatARegionMayHave(int bytes) {
        isSound(withInt(DataHeader.REGION_BYTES, bytes));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2048, 4097, 1 << 27, Integer.MIN_VALUE})
    void sizesThatARegionCannotHave(int bytes) {
        isCorrupt(withInt(DataHeader.REGION_BYTES, bytes), DataHeader.REGION_BYTES);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 2})
    void thereAreTwoClassesOfDurability(int durability) {
        isCorrupt(withInt(DataHeader.DURABILITY, durability), DataHeader.DURABILITY);
    }

    @Test
    void changedBitOfTheTermsOfACacheIsNoticed() {
        byte[] block = cache();
        block[DataHeader.IDLE_MILLIS] ^= 1;
        isCorrupt(block, DataHeader.CACHE_CRC);
    }

    /** A checksum of 0 stands in each block that says nothing. */
    @Test
    void termsOfACacheHaveAChecksum() {
        int crc = Words.intPlain(cache(), DataHeader.CACHE_CRC);
        assertThat(crc)
                .isNotZero()
                .isEqualTo(Checksum.of(cache(), DataHeader.MAX_BYTES, DataHeader.CACHE_CRC));
    }

    @Test
    void termsThatACacheMayHave() {
        isSound(withTerms(CacheTerms.MOST_BYTES, CacheTerms.LONGEST_IDLE_MILLIS));
        isSound(withTerms(0, 1));
        long least = header(Durability.CHECKPOINT, false, CACHE).regionAt(CacheTerms.LEAST_REGIONS);
        isSound(withTerms(least, 0));
        isCorrupt(withTerms(least - 1, 0), DataHeader.MAX_BYTES);
    }

    @Test
    void termsThatACacheCannotHave() {
        isCorrupt(withTerms(CacheTerms.MOST_BYTES + 1, 0), DataHeader.MAX_BYTES);
        isCorrupt(withTerms(-1, 0), DataHeader.MAX_BYTES);
        isCorrupt(withTerms(0, CacheTerms.LONGEST_IDLE_MILLIS + 1), DataHeader.MAX_BYTES);
        isCorrupt(withTerms(0, -1), DataHeader.MAX_BYTES);
        isCorrupt(withTerms(0, 0), DataHeader.MAX_BYTES);
    }

    private static CheckpointSlot slot() {
        return new CheckpointSlot(
                new UUID(11, 13),
                17,
                19,
                23,
                29,
                31,
                List.of(new Cut(1, 2, 3, 4, 5, 6, 7), new Cut(8, 9, 10, 11, 12, 13, 14)));
    }

    @Test
    void checkpointComesBackAsItWas() {
        assertThat(CheckpointSlot.decode(slot().encode(STORE, 1), STORE, 1, 2)).isEqualTo(slot());
    }

    /** Each number must stand where the document has it. */
    @Test
    void cutsStandBehindOneAnother() {
        byte[] slot = slot().encode(STORE, 1);
        for (int i = 0; i < 7; i++) {
            int at = CheckpointSlot.CUTS + i * Long.BYTES;
            assertThat(Words.plain(slot, at)).isEqualTo(1 + i);
            assertThat(Words.plain(slot, at + CheckpointSlot.CUT_BYTES)).isEqualTo(8 + i);
        }
    }

    @Test
    void checkpointOfAnotherStorePlaceOrSizeIsNone() {
        byte[] slot = slot().encode(STORE, 1);
        assertThat(CheckpointSlot.decode(slot, OTHER, 1, 2)).isNull();
        assertThat(CheckpointSlot.decode(slot, STORE, 0, 2)).isNull();
        assertThat(CheckpointSlot.decode(slot, STORE, 1, 4)).isNull();
        assertThat(CheckpointSlot.decode(new byte[slot.length], STORE, 0, 2)).isNull();
        slot[CheckpointSlot.EPOCH] ^= 1;
        assertThat(CheckpointSlot.decode(slot, STORE, 1, 2)).isNull();
    }

    /** The checksum is right for other bytes, which somebody planted. */
    @Test
    void checkpointWithoutItsMagicNumberIsNone() {
        byte[] slot = slot().encode(STORE, 1);
        Words.setPlain(slot, CheckpointSlot.MAGIC, 1);
        Words.setIntPlain(slot, CheckpointSlot.CRC, 0);
        Words.setIntPlain(slot, CheckpointSlot.CRC, Checksum.of(slot, 0, slot.length));
        assertThat(CheckpointSlot.decode(slot, STORE, 1, 2)).isNull();
    }

    @Test
    void openBlockComesBackAsItWasOrNotAtAll() {
        OpenBlock open = new OpenBlock(new UUID(1, 2), new UUID(3, 4));
        byte[] block = open.encode();
        assertThat(OpenBlock.decode(block)).isEqualTo(open);
        block[OpenBlock.NONCE] ^= 1;
        assertThat(OpenBlock.decode(block)).isNull();
        assertThat(OpenBlock.decode(new byte[OpenBlock.BYTES])).isNull();
    }

    @Test
    void regionHeaderComesBackAsItWasAndInItsPlaceOnly() {
        RegionHeader region = new RegionHeader(2, 3, 5, 7, 11, 13);
        byte[] header = region.encode(STORE);
        assertThat(RegionHeader.decode(header, STORE, 2)).isEqualTo(region);
        assertThat(RegionHeader.decode(header, STORE, 1)).isNull();
        assertThat(RegionHeader.decode(header, OTHER, 2)).isNull();
        header[RegionHeader.NUMBER] ^= 1;
        assertThat(RegionHeader.decode(header, STORE, 2)).isNull();
        assertThat(RegionHeader.decode(new byte[RegionHeader.BYTES], STORE, 0)).isNull();
    }

    /** The checksum covers everything that binds a record to its place (RULE 2). */
    @Test
    void identityHasStoreStripeNumberAndPlace() {
        byte[] bytes = new byte[RecordLayout.IDENTITY_BYTES];
        RecordLayout.identity(bytes, STORE, 2, 4, 6);
        assertThat(Checksum.idAt(bytes, 0)).isEqualTo(STORE);
        assertThat(Words.plain(bytes, 16)).isEqualTo(2);
        assertThat(Words.plain(bytes, 24)).isEqualTo(4);
        assertThat(Words.plain(bytes, 32)).isEqualTo(6);
    }

    @Test
    void recordTakesWhatItsFlagsSay() {
        int expires = RecordLayout.EXPIRES;
        int value = RecordLayout.VALUE_IN_RUN;
        int key = RecordLayout.KEY_IN_RUN;
        assertThat(RecordLayout.bytes(0, 100, 1000)).isEqualTo(1136);
        assertThat(RecordLayout.bytes(expires, 100, 1000)).isEqualTo(1136);
        assertThat(RecordLayout.bytes(value, 100, 1000)).isEqualTo(160);
        assertThat(RecordLayout.bytes(key | value, 100, 1000)).isEqualTo(48);
        assertThat(RecordLayout.bytes(key, 100, 1000)).isEqualTo(1056);
        assertThat(RecordLayout.runContentBytes(0, 100, 1000)).isZero();
        assertThat(RecordLayout.runContentBytes(value, 100, 1000)).isEqualTo(1000);
        assertThat(RecordLayout.runContentBytes(key, 100, 1000)).isEqualTo(100);
        assertThat(RecordLayout.runContentBytes(key | value, 100, 1000)).isEqualTo(1100);
        assertThat(RecordLayout.runAt(value)).isEqualTo(24);
        assertThat(RecordLayout.runAt(value | expires)).isEqualTo(32);
    }

    /** The content begins behind the header of the run. */
    @Test
    void runHasAsManyRegionsAsItsContentNeeds() {
        assertThat(RecordLayout.runRegions(4096 - 64, 4096)).isEqualTo(1);
        assertThat(RecordLayout.runRegions(4096 - 63, 4096)).isEqualTo(2);
        assertThat(RecordLayout.runRegions(2 * 4096 - 64, 4096)).isEqualTo(2);
    }

    @Test
    void mostHeatAndMostOverwritesArePlausibleAndNoMore() {
        int most = SlotWord.overwrites(SlotWord.MOST);
        assertThat(plausible(most, RecordLayout.MOST_HEAT)).isTrue();
        assertThat(plausible(most + 1, 0)).isFalse();
        assertThat(plausible(0, RecordLayout.MOST_HEAT + 1)).isFalse();
        long control = RecordLayout.control(RecordLayout.PUT, 0, 3, 5);
        assertThat(RecordLayout.overwrites(control)).isEqualTo(3);
        assertThat(RecordLayout.heat(control)).isEqualTo(5);
    }

    private static boolean plausible(int overwrites, int heat) {
        return RecordLayout.plausible(
                RecordLayout.control(RecordLayout.PUT, 0, overwrites, heat), 0);
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0, 0", "4, 0, 0, 0", "1, 16, 0, 0", "1, 0, -1, 0", "1, 0, 0, -1"})
    void controlWordThatNoRecordHas(int kind, int flags, int keyLength, int valueLength) {
        assertThat(
                        RecordLayout.plausible(
                                RecordLayout.control(kind, flags),
                                RecordLayout.lengths(keyLength, valueLength)))
                .isFalse();
    }

    @Test
    void wordOfARegionThatGivesUpItsBlocksIsNobodys() {
        long punching = OwnerWords.punching();
        assertThat(OwnerWords.isAlive(punching)).isTrue();
        assertThat(OwnerWords.number(punching)).isZero();
        assertThat(OwnerWords.isPunching(punching)).isTrue();
        assertThat(OwnerWords.isPunching(OwnerWords.alive(0, 1))).isFalse();
        assertThat(OwnerWords.isPunching(OwnerWords.dead(punching))).isFalse();
    }

    /**
     * Generations wrap around. If one is up to half the range ahead of a word, it is the newer one.
     */
    @Test
    void tableWordKnowsTheOlderOne() {
        long word = TableWord.of(SharedLayout.AREA_BYTES, 3, (1L << 35) - 1);
        long next = TableWord.next(word);
        assertThat(TableWord.isOlder(word, next)).isTrue();
        assertThat(TableWord.isOlder(next, word)).isFalse();
        assertThat(TableWord.isOlder(word, word)).isFalse();
        long half = 1L << 34;
        assertThat(TableWord.isOlder(TableWord.of(0, 0, 0), TableWord.of(0, 0, half))).isTrue();
        assertThat(TableWord.isOlder(TableWord.of(0, 0, half - 1), TableWord.of(0, 0, 0)))
                .isFalse();
    }

    @Test
    void clockWordOfAnotherBootIsNone() {
        long seed = ClockWord.seed(new UUID(0x1234_5678_9ABCL, 0x0F0F_F0F0_0F0FL));
        assertThat(seed).isNotEqualTo(ClockWord.seed(new UUID(0x1234_5678_9ABCL, 0)));
        assertThat(seed).isNotEqualTo(ClockWord.seed(new UUID(0, 0x0F0F_F0F0_0F0FL)));
        long word = ClockWord.of(1_000, seed);
        assertThat(ClockWord.origin(word, seed)).isEqualTo(1_000);
        assertThat(ClockWord.origin(word, ClockWord.seed(new UUID(5, 8)))).isZero();
    }
}
