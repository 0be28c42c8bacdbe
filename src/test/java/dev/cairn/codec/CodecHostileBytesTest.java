package dev.cairn.codec;

import static dev.cairn.codec.Coding.decoded;
import static dev.cairn.codec.Coding.encoded;
import static dev.cairn.codec.Coding.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

import java.math.RoundingMode;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;

/**
 * Attacks codecs of records with components of every type. Each record must come back from its
 * bytes. Bytes that were cut off, changed or made up must be those of some record, or give {@link
 * MalformedBytes}.
 */
class CodecHostileBytesTest {
    record Everything(
            boolean yes,
            byte tiny,
            short small,
            char letter,
            int number,
            long big,
            float real,
            double precise,
            Boxed boxed,
            String text,
            UUID id,
            Instant time,
            RoundingMode mode,
            List<String> texts,
            List<List<Integer>> table,
            List<Everything> more) {}

    record Boxed(
            Boolean yes,
            Byte tiny,
            Short small,
            Character letter,
            Integer number,
            Long big,
            Float real,
            Double precise) {}

    record Node(List<Node> children) {}

    private static final Codec<Everything> CODEC = Codecs.javaRecord(Everything.class);

    /** Up to and including the bits of the components. */
    private static final int HEADER_BYTES = 1 + Header.PRESENT + 2;

    @Property(tries = 500)
    void everyRecordComesBack(@ForAll("records") Everything record) {
        byte[] bytes = encoded(CODEC, record);
        Everything again = decoded(CODEC, bytes);
        assertThat(again).isEqualTo(record);
        assertThat(encoded(CODEC, again)).isEqualTo(bytes);
        assertThat(CODEC.identity(again)).isEqualTo(CODEC.identity(record));
    }

    @Property(tries = 500)
    void recordsThatDifferHaveOtherBytes(
            @ForAll("records") Everything one, @ForAll("records") Everything other) {
        assertThat(Arrays.equals(encoded(CODEC, one), encoded(CODEC, other)))
                .isEqualTo(one.equals(other));
    }

    @Property(tries = 200)
    void bytesThatWereCutOffAreMalformed(@ForAll("records") Everything record) {
        byte[] bytes = encoded(CODEC, record);
        for (int length = 0; length < bytes.length; length++) {
            Input cutOff = new Input(bytes, 0, length);
            assertThat(catchThrowable(() -> CODEC.decode(cutOff)))
                    .as("result of the first %d bytes", length)
                    .isInstanceOf(MalformedBytes.class);
        }
    }

    @Property(tries = 100)
    void changedBitGivesAnotherRecordOrIsMalformed(@ForAll("records") Everything record) {
        byte[] bytes = encoded(CODEC, record);
        for (int bit = 0; bit < 8 * bytes.length; bit++) {
            bytes[bit / 8] ^= (byte) (1 << bit % 8);
            judge(CODEC, bytes);
            bytes[bit / 8] ^= (byte) (1 << bit % 8);
        }
    }

    @Property(tries = 5000)
    void anyBytesBehindARightHeaderAreJudged(
            @ForAll("records") Everything record,
            @ForAll @Size(min = 2, max = 2) byte[] present,
            @ForAll byte @Size(max = 300) [] rest) {
        byte[] header = encoded(CODEC, record);
        Output out = new Output();
        out.write(header, 0, Math.min(header.length, HEADER_BYTES - 2));
        out.write(present);
        out.write(rest);
        judge(CODEC, out.toBytes());
    }

    @Property
    void anyBytesAreJudged(@ForAll byte[] bytes) {
        judge(CODEC, bytes);
    }

    /** The sizes are 2^31 and less, in lists within lists. */
    @Property
    void memoryIsBoundedByTheBytes(
            @ForAll @IntRange(min = 1) int claimed, @ForAll @IntRange(max = 140) int depth) {
        Output out = new Output();
        out.write(RecordCodec.FORMAT);
        byte[] record = encoded(Codecs.javaRecord(Node.class), new Node(List.of()));
        for (int i = 0; i < depth; i++) {
            out.write(record, 1, Header.PRESENT + 1);
            out.int32(i == depth - 1 ? claimed : 1);
        }
        byte[] bytes = out.toBytes();
        long allocated = Coding.allocatedBytes(() -> judge(Codecs.javaRecord(Node.class), bytes));
        assertThat(allocated).isLessThan(2 << 20);
    }

    @Example
    void claimedLengthIsComparedWithWhatIsThere() {
        byte[] bytes =
                encoded(
                        Codecs.javaRecord(Node.class),
                        new Node(List.of(new Node(List.of()), new Node(List.of()))));
        int size = 1 + Header.PRESENT + 1;
        assertThat(bytes[size]).isEqualTo((byte) 2);
        bytes[size + 3] = 0x7F;
        assertThatThrownBy(() -> decoded(Codecs.javaRecord(Node.class), bytes))
                .isInstanceOf(MalformedBytes.class)
                .hasMessage("at byte 7: expected a length of at most 4, found 2130706434");
    }

    @Example
    void canaryCodecThatLeavesBytesUnreadIsCaught() {
        assertCaught(in -> in.int32());
    }

    @Example
    void canaryCodecThatThrowsSomethingElseIsCaught() {
        assertCaught(in -> in.readAllBytes()[8] & 0xFF);
    }

    private static void assertCaught(Function<Input, Integer> decoder) {
        Codec<Integer> careless =
                new Codec<>() {
                    @Override
                    public void encode(Integer value, Output out) {
                        out.int32(value);
                    }

                    @Override
                    public Integer decode(Input in) {
                        return decoder.apply(in);
                    }
                };
        assertThatThrownBy(() -> judge(careless, new byte[5])).isInstanceOf(AssertionError.class);
    }

    @Provide
    Arbitrary<Everything> records() {
        Arbitrary<Everything> leaves = everything(Arbitraries.just(null));
        return Arbitraries.frequencyOf(
                Tuple.of(3, leaves), Tuple.of(1, everything(leaves.list().ofMaxSize(3))));
    }

    private static Arbitrary<Everything> everything(Arbitrary<List<Everything>> more) {
        return Combinators.combine(primitives(), references(), more.injectNull(0.3))
                .as((p, r, m) ->
                        new Everything(
                                p.yes, p.tiny, p.small, p.letter, p.number, p.big, p.real,
                                p.precise, r.boxed, r.text, r.id, r.time, r.mode, r.texts, r.table,
                                m));
    }

    /** No value is null. */
    private static Arbitrary<Boxed> primitives() {
        return boxed(
                Arbitraries.of(true, false),
                Arbitraries.bytes(),
                Arbitraries.shorts(),
                Arbitraries.chars(),
                Arbitraries.integers(),
                Arbitraries.longs(),
                Arbitraries.floats(),
                Arbitraries.doubles().withSpecialValue(Double.NaN));
    }

    private static Arbitrary<Boxed> boxed() {
        return boxed(
                Arbitraries.of(true, false).injectNull(0.3),
                Arbitraries.bytes().injectNull(0.3),
                Arbitraries.shorts().injectNull(0.3),
                Arbitraries.chars().injectNull(0.3),
                Arbitraries.integers().injectNull(0.3),
                Arbitraries.longs().injectNull(0.3),
                Arbitraries.floats().injectNull(0.3),
                Arbitraries.doubles().injectNull(0.3));
    }

    private static Arbitrary<Boxed> boxed(
            Arbitrary<Boolean> yes,
            Arbitrary<Byte> tiny,
            Arbitrary<Short> small,
            Arbitrary<Character> letter,
            Arbitrary<Integer> number,
            Arbitrary<Long> big,
            Arbitrary<Float> real,
            Arbitrary<Double> precise) {
        return Combinators.combine(yes, tiny, small, letter, number, big, real, precise)
                .as(Boxed::new);
    }

    private record References(
            Boxed boxed,
            String text,
            UUID id,
            Instant time,
            RoundingMode mode,
            List<String> texts,
            List<List<Integer>> table) {}

    private static Arbitrary<References> references() {
        Arbitrary<String> text = Arbitraries.strings().ascii().ofMaxLength(9);
        return Combinators.combine(
                        boxed().injectNull(0.3),
                        Arbitraries.oneOf(text, Arbitraries.of("é", "€", "😀")).injectNull(0.3),
                        Arbitraries.create(() -> new UUID(1, -1)).injectNull(0.3),
                        Arbitraries.longs()
                                .between(-1_000_000, 1_000_000)
                                .map(Instant::ofEpochMilli)
                                .injectNull(0.3),
                        Arbitraries.of(RoundingMode.class).injectNull(0.3),
                        text.list().ofMaxSize(3).injectNull(0.3),
                        Arbitraries.integers()
                                .list()
                                .ofMaxSize(3)
                                .list()
                                .ofMaxSize(3)
                                .injectNull(0.3))
                .as(References::new);
    }
}
