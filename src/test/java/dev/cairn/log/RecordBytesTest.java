package dev.cairn.log;

import static dev.cairn.format.RecordLayout.EXPIRES;
import static dev.cairn.format.RecordLayout.HEADER_BYTES;
import static dev.cairn.format.RecordLayout.IDENTITY_BYTES;
import static dev.cairn.format.RecordLayout.MIN_BYTES;
import static dev.cairn.format.RecordLayout.MOVED;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;
import dev.cairn.Durability;
import dev.cairn.Seed;
import dev.cairn.format.CacheTerms;
import dev.cairn.format.Checksum;
import dev.cairn.format.DataHeader;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.Words;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.UUID;

/** Attacks the bytes of records in a mapping, in a window and in an image. */
class RecordBytesTest {
    private static final int REGION_BYTES = 4096;
    private static final int STRIPE = 3;
    private static final long NUMBER = 7;
    private static final long OFFSET = 0x5040;
    private static final long VERSION = 11;
    private static final byte[] KEY = Content.key(5, 21);
    private static final byte[] VALUE = Content.value(5, 1, 100);

    private final RecordBytes recordBytes =
            new RecordBytes(
                    new DataHeader(
                            new UUID(1, 2),
                            new UUID(3, 4),
                            8,
                            REGION_BYTES,
                            Durability.CHECKPOINT,
                            true,
                            CacheTerms.NONE));

    private byte[] image(Draft draft, boolean moved) {
        byte[] image = recordBytes.image(STRIPE, NUMBER, OFFSET, draft.bytes());
        int at = RecordBytes.putHeader(image, draft, VERSION, null, 0);
        System.arraycopy(draft.key(), 0, image, at, draft.key().length);
        int valueAt = at + draft.key().length;
        System.arraycopy(draft.value(), 0, image, valueAt, draft.value().length);
        RecordBytes.putChecksum(image, RecordBytes.checksumOf(image));
        if (moved) {
            recordBytes.move(image, STRIPE, NUMBER + 1, OFFSET);
        }
        return image;
    }

    private static byte[] recordOf(byte[] image) {
        return Arrays.copyOfRange(image, IDENTITY_BYTES, image.length);
    }

    /** Memory that ends with the bytes, so that a read behind them fails. */
    private static MemorySegment mapping(Arena arena, byte[] bytes) {
        MemorySegment memory = arena.allocate(bytes.length, Long.BYTES);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return memory;
    }

    @ParameterizedTest(name = "moved: {0}, expires at {1}")
    @CsvSource({"false,0", "true,0", "false,77", "true,77"})
    void anInlineRecordIsReadAtOnce(boolean moved, long expires) {
        byte[] image = image(Draft.of(KEY, VALUE, expires, REGION_BYTES), moved);
        byte[] record = recordOf(image);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = mapping(arena, record);
            long match = RecordBytes.match(memory, 0, record.length, KEY);
            assertThat(match).isNotNegative();
            assertThat(RecordBytes.isInline(match, KEY.length, record.length)).isTrue();
            assertThat(RecordBytes.isInline(match, KEY.length, record.length - 16)).isFalse();
            assertThat(RecordBytes.inlineBytes(match, KEY.length)).isEqualTo(record.length);
            assertThat(RecordBytes.inlineExpires(image, match)).isEqualTo(expires);
            assertThat(RecordBytes.inlineValue(image, match, KEY.length)).isEqualTo(VALUE);
            byte[] other = KEY.clone();
            other[KEY.length - 1]++;
            assertThat(RecordBytes.match(memory, 0, record.length, other))
                    .isEqualTo(RecordBytes.OTHER);
            assertThat(RecordBytes.match(memory, 0, record.length, new byte[3]))
                    .isEqualTo(RecordBytes.OTHER);
            assertThat(RecordBytes.match(memory, 0, MIN_BYTES, KEY))
                    .isEqualTo(RecordBytes.NO_RECORD);
        }
    }

    @Test
    void whatHasARunOrIsNoPutIsReadOtherwise() {
        Draft inRun = Draft.of(KEY, new byte[2 * REGION_BYTES], 0, REGION_BYTES);
        byte[] record = new byte[inRun.bytes()];
        Words.setPlain(record, RecordLayout.CRC, RecordLayout.control(inRun.kind(), inRun.flags()));
        Words.setPlain(
                record,
                RecordLayout.KEY_LENGTH,
                RecordLayout.lengths(KEY.length, inRun.value().length));
        int keyAt = HEADER_BYTES + RecordLayout.RUN_BYTES;
        System.arraycopy(KEY, 0, record, keyAt, KEY.length);
        byte[] tombstone = recordOf(image(Draft.of(KEY, null, 0, REGION_BYTES), false));
        try (Arena arena = Arena.ofConfined()) {
            long match = RecordBytes.match(mapping(arena, record), 0, record.length, KEY);
            assertThat(match).isNotNegative();
            assertThat(RecordBytes.isInline(match, KEY.length, record.length)).isFalse();
            assertThat(RecordBytes.match(mapping(arena, tombstone), 0, tombstone.length, KEY))
                    .isEqualTo(RecordBytes.ELSEWHERE);
        }
    }

    /** A control word may hold more than flags, and a length may be negative (RULE 9). */
    @Test
    void aWordThatNobodyWroteIsNotInline() {
        byte[] record = recordOf(image(Draft.of(KEY, VALUE, 0, REGION_BYTES), false));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = mapping(arena, record);
            long control = Words.plain(memory, RecordLayout.CRC);
            for (int bit = 42; bit < Long.SIZE; bit++) { // except those of MOVED and EXPIRES
                if (bit >= 48 && bit < 53 || bit >= 56 && bit < 63) { // overwrites and heat
                    continue;
                }
                Words.setPlain(memory, RecordLayout.CRC, control | 1L << bit);
                long match = RecordBytes.match(memory, 0, record.length, KEY);
                assertThat(match >= 0 && RecordBytes.isInline(match, KEY.length, record.length))
                        .as("bit %d", bit)
                        .isFalse();
            }
            Words.setPlain(memory, RecordLayout.CRC, control);
            for (int length : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 117}) {
                Words.setIntPlain(memory, RecordLayout.VALUE_LENGTH, length);
                long match = RecordBytes.match(memory, 0, record.length, KEY);
                assertThat(match).isNotNegative();
                assertThat(RecordBytes.isInline(match, KEY.length, record.length))
                        .as("length %d", length)
                        .isFalse();
            }
        }
    }

    /**
     * Whatever the bytes are, nothing outside of them may be touched, and both readings must be the
     * same.
     */
    @Test
    void anyBytesGiveTheSameHeaderInAMappingAndInAWindow() {
        Random random = Seed.random(getClass());
        int headers = 0;
        int runs = 0;
        for (int i = 0; i < 50_000; i++) {
            byte[] bytes = new byte[random.nextInt(2, 12) * Place.UNIT_BYTES];
            random.nextBytes(bytes);
            Words.setIntPlain(
                    bytes, RecordLayout.KIND, random.nextInt(5) | random.nextInt(20) << 8);
            Words.setIntPlain(bytes, RecordLayout.KEY_LENGTH, random.nextInt(-2, 100));
            Words.setIntPlain(bytes, RecordLayout.VALUE_LENGTH, random.nextInt(-2, 100));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = mapping(arena, bytes);
                RecordBytes.Header header = recordBytes.header(memory, 0, bytes.length);
                assertThat(recordBytes.header(bytes, 0, bytes.length)).isEqualTo(header);
                byte[] key = new byte[random.nextInt(100)];
                long match = RecordBytes.match(memory, 0, bytes.length, key);
                if (match >= 0 && RecordBytes.isInline(match, key.length, bytes.length)) {
                    assertThat(RecordBytes.inlineBytes(match, key.length))
                            .isLessThanOrEqualTo(bytes.length);
                }
                if (header != null) {
                    headers++;
                    runs += header.run() == null ? 0 : 1;
                    assertThat(header.bytes()).isLessThanOrEqualTo(bytes.length);
                }
            }
        }
        assertThat(headers).isPositive();
        assertThat(runs).isPositive();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, MIN_BYTES - 1})
    void whereThereIsNoRoomThereIsNoHeader(int room) {
        assertThat(recordBytes.header(new byte[room], 0, room)).isNull();
        assertThat(recordBytes.header(MemorySegment.ofArray(new byte[room]), 0, room)).isNull();
    }

    @Test
    void theChecksumOfAnImageIsThatOfTheRecordInAWindow() {
        byte[] image = image(Draft.of(KEY, VALUE, 77, REGION_BYTES), false);
        int at = 48;
        byte[] window = new byte[at + image.length - IDENTITY_BYTES];
        System.arraycopy(image, IDENTITY_BYTES, window, at, image.length - IDENTITY_BYTES);
        byte[] before = window.clone();
        assertThat(checksumIn(window, at)).isEqualTo(RecordBytes.checksumIn(image));
        assertThat(window).isEqualTo(before);

        byte[] zeroed = image.clone();
        Words.setIntPlain(zeroed, IDENTITY_BYTES + RecordLayout.CRC, 0);
        assertThat(RecordBytes.checksumIn(image)).isEqualTo(Checksum.of(zeroed, 0, zeroed.length));
    }

    private int checksumIn(byte[] window, int at) {
        RecordBytes.Header header = recordBytes.header(window, at, window.length - at);
        assertThat(header).isNotNull();
        return recordBytes.checksumOf(header, STRIPE, NUMBER, OFFSET, window, at);
    }

    @Test
    void aByteThatChangedIsTold() {
        byte[] image = image(Draft.of(KEY, VALUE, 77, REGION_BYTES), true);
        for (int at = 0; at < image.length; at++) {
            image[at]++;
            assertThat(RecordBytes.checksumOf(image))
                    .as("byte %d", at)
                    .isNotEqualTo(RecordBytes.checksumIn(image));
            image[at]--;
        }
        assertThat(RecordBytes.checksumOf(image)).isEqualTo(RecordBytes.checksumIn(image));
    }

    @Test
    void aFillerIsSummedByItsHeader() {
        byte[] image = recordBytes.image(STRIPE, NUMBER, OFFSET, 112);
        assertThat(RecordBytes.putFiller(image, 112)).isEqualTo(IDENTITY_BYTES + HEADER_BYTES);
        byte[] window = recordOf(image);
        window[HEADER_BYTES]++; // belongs to nobody
        assertThat(checksumIn(window, 0)).isEqualTo(RecordBytes.checksumIn(image));
    }

    @Test
    void aMovedRecordDiffersByItsFlagAlone() {
        byte[] image = recordOf(image(Draft.of(KEY, VALUE, 77, REGION_BYTES), false));
        byte[] moved = recordOf(image(Draft.of(KEY, VALUE, 77, REGION_BYTES), true));
        assertThat(image[RecordLayout.FLAGS]).isEqualTo((byte) EXPIRES);
        assertThat(moved[RecordLayout.FLAGS]).isEqualTo((byte) (EXPIRES | MOVED));
        moved[RecordLayout.FLAGS] = (byte) EXPIRES;
        Words.setIntPlain(moved, RecordLayout.CRC, Words.intPlain(image, RecordLayout.CRC));
        assertThat(moved).isEqualTo(image);
    }

    @ParameterizedTest(name = "expires at {0}, key of {1} bytes")
    @CsvSource({"0,21", "77,21", "0,2000", "77,2000"})
    void referenceToARunIsReadAsItWasWritten(long expires, int keyBytes) {
        byte[] key = Content.key(5, keyBytes);
        Draft draft = Draft.of(key, new byte[2 * REGION_BYTES], expires, REGION_BYTES).withHeat(9);
        long regions = draft.runRegions(REGION_BYTES);
        boolean hasKey = keyBytes > REGION_BYTES / 4;
        var run =
                new RecordBytes.Run(
                        Place.run(4, regions),
                        8,
                        -0x1234_5678,
                        RecordBytes.keyChecksum(key),
                        draft.runContentBytes(),
                        hasKey);
        byte[] image = recordBytes.image(STRIPE, NUMBER, OFFSET, draft.bytes());
        int at = RecordBytes.putHeader(image, draft, VERSION, run, 2);
        byte[] record = recordOf(image);
        assertThat(RecordBytes.heatIn(image)).isEqualTo(9);
        assertThat(RecordBytes.overwritesIn(image)).isEqualTo(2);
        try (Arena arena = Arena.ofConfined()) {
            RecordBytes.Header header = recordBytes.header(record, 0, record.length);
            assertThat(header).isNotNull();
            assertThat(header.run()).isEqualTo(run);
            assertThat(header.version()).isEqualTo(VERSION);
            assertThat(header.expires()).isEqualTo(expires);
            assertThat(header.keyAt()).isEqualTo(at - IDENTITY_BYTES);
            assertThat(header.valueAtInRun()).isEqualTo(hasKey ? keyBytes : 0);
            assertThat(RecordBytes.runChecksumIn(image, header)).isEqualTo(run.crc());
            assertThat(recordBytes.header(mapping(arena, record), 0, record.length))
                    .isEqualTo(header);
        }
    }

    @Test
    void checksumOfAKeyIsThatOfItsBytes() {
        assertThat(RecordBytes.keyChecksum(KEY)).isEqualTo(Checksum.of(KEY, 0, KEY.length));
    }

    /** The content of the run takes two regions. */
    @Test
    void runLiesWithinTheFileIfItEndsThereAndHasItsLength() {
        assertThat(liesWithin(Place.run(0, 2), 2)).isTrue();
        assertThat(liesWithin(Place.run(5, 2), 7)).isTrue();
        assertThat(liesWithin(Place.run(6, 2), 7)).isFalse();
        assertThat(liesWithin(Place.run(-1, 2), 7)).isFalse();
        assertThat(liesWithin(Place.run(0, 1), 7)).isFalse();
        assertThat(liesWithin(Place.run(0, 3), 7)).isFalse();
    }

    private boolean liesWithin(long word, long regions) {
        long bytes = REGION_BYTES + 1;
        return recordBytes.liesWithin(new RecordBytes.Run(word, 1, 0, 0, bytes, false), regions);
    }

    /** A record may have no value, no key, or neither, and may end where its room ends. */
    @ParameterizedTest
    @CsvSource({"0,0", "0,8", "8,0", "24,0", "0,24"})
    void recordWithoutKeyOrValueIsInline(int keyBytes, int valueBytes) {
        byte[] key = Content.key(5, keyBytes);
        byte[] value = Content.value(5, 1, valueBytes);
        byte[] record = recordOf(image(Draft.of(key, value, 0, REGION_BYTES), false));
        int length = HEADER_BYTES + keyBytes + valueBytes;
        try (Arena arena = Arena.ofConfined()) {
            long match = RecordBytes.match(mapping(arena, record), 0, length, key);
            assertThat(match).isNotNegative();
            assertThat(RecordBytes.isInline(match, keyBytes, record.length)).isTrue();
            assertThat(RecordBytes.match(mapping(arena, record), 0, length - 1 - valueBytes, key))
                    .isEqualTo(RecordBytes.NO_RECORD);
        }
    }

    @Test
    void keyOfAnotherLengthInNoRecordIsNotTakenForAnother() {
        byte[] record = recordOf(image(Draft.of(KEY, VALUE, 0, REGION_BYTES), false));
        Words.setIntPlain(record, RecordLayout.KEY_LENGTH, -1);
        try (Arena arena = Arena.ofConfined()) {
            assertThat(RecordBytes.match(mapping(arena, record), 0, record.length, KEY))
                    .isEqualTo(RecordBytes.NO_RECORD);
        }
    }

    @Test
    void anErrorSaysWhyThereIsNoRecord() {
        byte[] record = recordOf(image(Draft.of(KEY, VALUE, 0, REGION_BYTES), false));
        byte[] window = new byte[16 + record.length];
        System.arraycopy(record, 0, window, 16, record.length);
        assertThat(RecordBytes.whyNone(window, 16, MIN_BYTES - 1))
                .isEqualTo("31 bytes before the tail, which is too short for a record");
        assertThat(RecordBytes.whyNone(window, 16, MIN_BYTES))
                .isEqualTo(
                        "a record of %d bytes, 32 bytes before the end".formatted(record.length));
        window[16 + RecordLayout.KIND] = 0;
        assertThat(RecordBytes.whyNone(window, 16, record.length))
                .isEqualTo("a kind, flags or lengths that no record has");
    }
}
