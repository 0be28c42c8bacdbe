package dev.cairn.codec;

import static dev.cairn.codec.Coding.decoded;
import static dev.cairn.codec.Coding.decodedAmidOthers;
import static dev.cairn.codec.Coding.encoded;
import static dev.cairn.codec.Coding.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;

/**
 * Attacks codecs of single values: each value must have its own bytes and come back from them, and
 * no other bytes may pass for a value.
 */
class CodecScalarsTest {
    @Property
    void everyIntComesBack(@ForAll int value) {
        assertRoundTrip(Codecs.int32(), value, Integer.BYTES);
    }

    @Property
    void everyLongComesBack(@ForAll long value) {
        assertRoundTrip(Codecs.int64(), value, Long.BYTES);
    }

    @Property
    void everyUuidComesBack(@ForAll long high, @ForAll long low) {
        assertRoundTrip(Codecs.uuid(), new UUID(high, low), 2 * Long.BYTES);
    }

    @Property
    void everyInstantComesBack(@ForAll("instants") Instant value) {
        assertRoundTrip(Codecs.instant(), value, Long.BYTES + Integer.BYTES);
    }

    @Provide
    Arbitrary<Instant> instants() {
        return Combinators.combine(
                        Arbitraries.longs()
                                .between(
                                        Instant.MIN.getEpochSecond(), Instant.MAX.getEpochSecond()),
                        Arbitraries.integers().between(0, 999_999_999))
                .as(Instant::ofEpochSecond);
    }

    @Property
    void bytesComeBackAsACopy(@ForAll byte[] value) {
        byte[] encoded = encoded(Codecs.bytes(), value);
        assertThat(encoded).isEqualTo(value);
        byte[] decoded = decodedAmidOthers(Codecs.bytes(), encoded);
        assertThat(decoded).isEqualTo(value);
        assertThat(decoded(Codecs.bytes(), encoded)).isNotSameAs(encoded);
    }

    @Property
    void identityOfBytesIsTheirContent(@ForAll @Size(min = 1) byte[] value) {
        byte[] mutable = value.clone();
        Object identity = Codecs.bytes().identity(mutable);
        assertThat(Codecs.bytes().identity(value)).isEqualTo(identity).hasSameHashCodeAs(identity);
        mutable[0]++;
        assertThat(Codecs.bytes().identity(value)).isEqualTo(identity);
        assertThat(Codecs.bytes().identity(mutable)).isNotEqualTo(identity);
    }

    @Property
    void everyStringComesBackOrIsRefused(@ForAll String value) {
        byte[] expected = value.getBytes(StandardCharsets.UTF_8);
        if (!new String(expected, StandardCharsets.UTF_8).equals(value)) {
            assertThatThrownBy(() -> encoded(Codecs.utf8(), value))
                    .isInstanceOf(IllegalArgumentException.class);
            return;
        }
        assertThat(encoded(Codecs.utf8(), value)).isEqualTo(expected);
        assertRoundTrip(Codecs.utf8(), value, expected.length);
    }

    @Property
    void everyCharacterComesBack(@ForAll("points") int point, @ForAll @IntRange(max = 9) int at) {
        String value = "x".repeat(at) + Character.toString(point) + "y";
        assertThat(encoded(Codecs.utf8(), value)).isEqualTo(value.getBytes(StandardCharsets.UTF_8));
        assertThat(decoded(Codecs.utf8(), encoded(Codecs.utf8(), value))).isEqualTo(value);
    }

    @Provide
    Arbitrary<Integer> points() {
        return Arbitraries.integers()
                .between(0, Character.MAX_CODE_POINT)
                .filter(point -> point < 0xD800 || point > 0xDFFF);
    }

    @Example
    void unpairedSurrogateIsRefusedWithItsIndex() {
        for (String lone : new String[] {"ab\uD83D", "ab\uD83Dc", "ab\uDE00\uD83D", "ab\uDE00"}) {
            assertThatThrownBy(() -> encoded(Codecs.utf8(), lone))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("index 2");
        }
    }

    @Example
    void replacementCharacterThatWasWrittenComesBack() {
        assertRoundTrip(Codecs.utf8(), "a\uFFFDb", 5);
    }

    @Example
    void malformedUtf8IsNamedWithItsPlace() {
        byte[][] malformed = {
            {'a', 'b', (byte) 0xC3},
            {'a', 'b', (byte) 0xFF, 'c'},
            {'a', 'b', (byte) 0x80},
            {'a', 'b', (byte) 0xC0, (byte) 0x80},
            {'a', 'b', (byte) 0xED, (byte) 0xA0, (byte) 0x80},
            {'a', 'b', (byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80}
        };
        for (byte[] bytes : malformed) {
            assertThatThrownBy(() -> decodedAmidOthers(Codecs.utf8(), bytes))
                    .isInstanceOf(MalformedBytes.class)
                    .hasMessageStartingWith("at byte 2: expected well-formed UTF-8, found byte 0x");
        }
    }

    @Property
    void noOtherBytesPass(@ForAll @Size(max = 20) byte[] bytes) {
        judge(Codecs.bytes(), bytes);
        judge(Codecs.utf8(), bytes);
        judge(Codecs.int32(), bytes);
        judge(Codecs.int64(), bytes);
        judge(Codecs.uuid(), bytes);
        judge(Codecs.instant(), bytes);
    }

    @Example
    void bytesBehindTheValueAreRefused() {
        assertThatThrownBy(() -> decoded(Codecs.int32(), new byte[6]))
                .isInstanceOf(MalformedBytes.class)
                .hasMessage("at byte 4: expected the end, found 2 more bytes");
    }

    @Example
    void bytesThatAreMissingAreNamed() {
        assertThatThrownBy(() -> decoded(Codecs.uuid(), new byte[13]))
                .isInstanceOf(MalformedBytes.class)
                .hasMessage("at byte 8: expected 8 more bytes, found 5 bytes to the end");
    }

    @Example
    void instantsOutOfRangeAreRefused() {
        Output out = new Output();
        out.int64(Instant.MAX.getEpochSecond() + 1);
        out.int32(0);
        assertThatThrownBy(() -> decoded(Codecs.instant(), out.toBytes()))
                .hasMessageStartingWith("at byte 0: expected seconds of an Instant");
        out.reset();
        out.int64(0);
        out.int32(1_000_000_000);
        assertThatThrownBy(() -> decoded(Codecs.instant(), out.toBytes()))
                .hasMessageStartingWith("at byte 8: expected nanoseconds below 10^9");
    }

    /** After a JIT compiler's work, only the value itself and the input may be left. */
    @Example
    void decodingAllocatesLittle() {
        byte[] bytes = encoded(Codecs.int64(), Long.MAX_VALUE);
        Output out = new Output();
        Runnable both =
                () -> {
                    for (int i = 0; i < 1000; i++) {
                        out.reset();
                        Codecs.int64().encode(decoded(Codecs.int64(), bytes), out);
                    }
                };
        both.run();
        assertThat(Coding.allocatedBytes(both)).isLessThan(1000 * 128);
    }

    private static <T> void assertRoundTrip(Codec<T> codec, T value, int bytes) {
        byte[] encoded = encoded(codec, value);
        assertThat(encoded).hasSize(bytes).isEqualTo(encoded(codec, value));
        assertThat(decoded(codec, encoded)).isEqualTo(value);
        assertThat(decodedAmidOthers(codec, encoded)).isEqualTo(value);
        assertThat(codec.identity(value)).isSameAs(value);
    }
}
