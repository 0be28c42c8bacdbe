package dev.cairn.codec;

import static dev.cairn.codec.Coding.decoded;
import static dev.cairn.codec.Coding.encoded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.invoke.MethodHandles;
import java.time.DayOfWeek;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Attacks codecs of records: how their types may change, what they compare by, and what is refused.
 */
class CodecRecordTest {
    record Point(int x, int y) {}

    record Node(String name, List<Node> children) {}

    record Blob(String name, byte[] content) {}

    record Nested(int number, Blob blob) {}

    record Money(long cents) {
        Money {
            if (cents < 0) {
                throw new IllegalArgumentException("negative");
            }
        }
    }

    record Bytes(byte... content) {}

    record Nothing() {}

    record Reals(double big, float small, Double boxed, Float smallBoxed) {}

    record Tags(String name, Set<String> tags) {}

    record Generic<T>(T value) {}

    record Week(DayOfWeek day) {}

    record Wide(
            int a,
            int b,
            int c,
            int d,
            int e,
            int f,
            int g,
            int h,
            int i,
            String j,
            int k,
            int l,
            int m,
            int n,
            int o,
            int p,
            int q) {}

    /** The same record over the years. */
    static final class Years {
        record First(String name) {}

        record Second(String name, int age) {}

        record Third(String name, int age, List<String> tags, boolean active) {}

        record Renamed(String title, int age) {}

        record Retyped(String name, long age) {}

        record Swapped(int age, String name) {}
    }

    @Test
    void everyValueOfASmallRecordComesBack() {
        Codec<Point> codec = Codecs.javaRecord(Point.class);
        for (int x : new int[] {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            for (int y : new int[] {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
                Point point = new Point(x, y);
                assertThat(decoded(codec, encoded(codec, point))).isEqualTo(point);
            }
        }
    }

    @Test
    void laterComponentsAreNullZeroOrFalseInEarlierRecords() {
        byte[] first = encoded(Codecs.javaRecord(Years.First.class), new Years.First("Ada"));
        byte[] second = encoded(Codecs.javaRecord(Years.Second.class), new Years.Second("Ada", 36));
        Codec<Years.Third> third = Codecs.javaRecord(Years.Third.class);
        assertThat(decoded(third, first)).isEqualTo(new Years.Third("Ada", 0, null, false));
        assertThat(decoded(third, second)).isEqualTo(new Years.Third("Ada", 36, null, false));
    }

    /** So a map finds the entry of a key that was written before its type grew. */
    @Test
    void earlierRecordsHaveTheSameBytesInTheLaterType() {
        byte[] first = encoded(Codecs.javaRecord(Years.First.class), new Years.First("Ada"));
        assertThat(
                        encoded(
                                Codecs.javaRecord(Years.Third.class),
                                new Years.Third("Ada", 0, null, false)))
                .isEqualTo(first);
    }

    @Test
    void laterRecordsAreReadByTheEarlierTypeIfTheyUseNothingLater() {
        byte[] third =
                encoded(
                        Codecs.javaRecord(Years.Third.class),
                        new Years.Third("Ada", 36, null, false));
        assertThat(decoded(Codecs.javaRecord(Years.Second.class), third))
                .isEqualTo(new Years.Second("Ada", 36));
        assertThatThrownBy(() -> decoded(Codecs.javaRecord(Years.First.class), third))
                .isInstanceOf(MalformedBytes.class)
                .hasMessageStartingWith("at byte 1: expected a count of 1 to 1 components of ")
                .hasMessageEndingWith("found 2");
    }

    @Test
    void anyOtherChangeIsNoticed() {
        byte[] bytes = encoded(Codecs.javaRecord(Years.Second.class), new Years.Second("Ada", 36));
        for (Class<? extends Record> changed :
                List.of(Years.Renamed.class, Years.Retyped.class, Years.Swapped.class)) {
            assertThatThrownBy(() -> decoded(Codecs.javaRecord(changed), bytes))
                    .isInstanceOf(MalformedBytes.class)
                    .hasMessageStartingWith("at byte 2: expected fingerprint 0x")
                    .hasMessageContaining(changed.getName());
        }
    }

    @Test
    void typesAreToldApartEvenWhenAllIsZero() {
        byte[] bytes = encoded(Codecs.javaRecord(Point.class), new Point(0, 0));
        assertThatThrownBy(() -> decoded(Codecs.javaRecord(Money.class), bytes))
                .isInstanceOf(MalformedBytes.class);
    }

    /** The presence bits then take fewer bytes than the type has at most. */
    @Test
    void componentsAtTheEndThatAreNotThereTakeNothing() {
        Codec<Wide> codec = Codecs.javaRecord(Wide.class);
        Wide all = new Wide(1, 2, 3, 4, 5, 6, 7, 8, 9, "j", 11, 12, 13, 14, 15, 16, 17);
        Wide ten = new Wide(1, 0, 0, 4, 0, 0, 0, 8, 0, "j", 0, 0, 0, 0, 0, 0, 0);
        Wide eight = new Wide(1, 0, 0, 4, 0, 0, 0, 8, 0, null, 0, 0, 0, 0, 0, 0, 0);
        assertThat(encoded(codec, all)).hasSize(1 + 5 + 3 + 16 * 4 + 5);
        assertThat(encoded(codec, ten)).hasSize(1 + 5 + 2 + 3 * 4 + 5);
        assertThat(encoded(codec, eight)).hasSize(1 + 5 + 1 + 3 * 4);
        for (Wide wide : List.of(all, ten, eight)) {
            assertThat(decoded(codec, encoded(codec, wide))).isEqualTo(wide);
        }
    }

    @Test
    void recordWithoutComponentsHasBytes() {
        Codec<Nothing> codec = Codecs.javaRecord(Nothing.class);
        assertThat(decoded(codec, encoded(codec, new Nothing()))).isEqualTo(new Nothing());
    }

    @Test
    void constructorThatRefusesIsTheCause() {
        Output out = new Output();
        byte[] bytes = encoded(Codecs.javaRecord(Money.class), new Money(1));
        out.write(bytes, 0, bytes.length - Long.BYTES);
        out.int64(-1);
        assertThatThrownBy(() -> decoded(Codecs.javaRecord(Money.class), out.toBytes()))
                .isInstanceOf(MalformedBytes.class)
                .hasMessageContaining("Money accepts")
                .hasRootCauseMessage("negative");
    }

    @Test
    void identityOfArraysAndListsIsTheirContent() {
        Codec<Nested> codec = Codecs.javaRecord(Nested.class);
        byte[] content = {1, 2, 3};
        Object identity = codec.identity(new Nested(7, new Blob("a", content)));
        Nested same = new Nested(7, new Blob("a", new byte[] {1, 2, 3}));
        assertThat(codec.identity(same)).isEqualTo(identity).hasSameHashCodeAs(identity);
        content[0] = 9;
        assertThat(codec.identity(same)).isEqualTo(identity);
        assertThat(codec.identity(new Nested(7, null))).isNotEqualTo(identity);
        assertThat(codec.identity(new Nested(8, same.blob))).isNotEqualTo(identity);

        Codec<Node> nodes = Codecs.javaRecord(Node.class);
        List<Node> children = new ArrayList<>();
        Object leaf = nodes.identity(new Node("a", children));
        children.add(new Node("b", List.of()));
        assertThat(nodes.identity(new Node("a", List.of()))).isEqualTo(leaf);
        assertThat(nodes.identity(new Node("a", children))).isNotEqualTo(leaf);
    }

    @Test
    void identityOfOtherRecordsIsTheRecord() {
        Point point = new Point(1, 2);
        assertThat(Codecs.javaRecord(Point.class).identity(point)).isSameAs(point);
    }

    @Test
    void equalRealsHaveEqualBytes() {
        Codec<Reals> codec = Codecs.javaRecord(Reals.class);
        Reals one = reals(Double.NaN, Float.NaN);
        Reals other =
                reals(
                        Double.longBitsToDouble(0xFFF8_0000_0000_0001L),
                        Float.intBitsToFloat(0xFFC0_0001));
        assertThat(other).isEqualTo(one);
        assertThat(encoded(codec, other)).isEqualTo(encoded(codec, one));
        assertThat(decoded(codec, encoded(codec, one))).isEqualTo(one);
        Reals negative = reals(-0.0, -0.0f);
        assertThat(decoded(codec, encoded(codec, negative)))
                .isEqualTo(negative)
                .isNotEqualTo(reals(0.0, 0.0f));
    }

    private static Reals reals(double big, float small) {
        return new Reals(big, small, big, small);
    }

    @Test
    void recordsMayContainTheirOwnType() {
        Codec<Node> codec = Codecs.javaRecord(Node.class);
        Node tree = new Node("a", List.of(new Node("b", List.of()), new Node("c", null)));
        assertThat(decoded(codec, encoded(codec, tree))).isEqualTo(tree);
    }

    @Test
    void nestingHasABound() {
        Codec<Node> codec = Codecs.javaRecord(Node.class);
        Node deepest = nested(Depth.MAX);
        assertThat(decoded(codec, encoded(codec, deepest))).isEqualTo(deepest);
        Output out = new Output();
        assertThatThrownBy(() -> codec.encode(nested(Depth.MAX + 1), out))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("deeper than 128");
        out.reset();
        codec.encode(deepest, out);
    }

    private static Node nested(int depth) {
        Node node = new Node("leaf", List.of());
        for (int i = 1; i < depth; i++) {
            node = new Node("", List.of(node));
        }
        return node;
    }

    @Test
    void nullInAListIsRefused() {
        List<Node> children = new ArrayList<>();
        children.add(null);
        assertThatThrownBy(() -> encoded(Codecs.javaRecord(Node.class), new Node("a", children)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a list has a null element at index 0");
    }

    @Test
    void unknownConstantIsNamed() {
        Codec<Week> codec = Codecs.javaRecord(Week.class);
        byte[] bytes = encoded(codec, new Week(DayOfWeek.MONDAY));
        bytes[bytes.length - 1] = 'X';
        assertThatThrownBy(() -> decoded(codec, bytes))
                .isInstanceOf(MalformedBytes.class)
                .hasMessage("at byte 7: expected a constant of java.time.DayOfWeek, found MONDAX");
    }

    @Test
    void constructorOfVariableArityTakesAnArray() {
        Codec<Bytes> codec = Codecs.javaRecord(Bytes.class);
        byte[] content = {1, 2, 3};
        assertThat(decoded(codec, encoded(codec, new Bytes(content))).content()).isEqualTo(content);
    }

    @Test
    void componentOfAnotherTypeNeedsACodec() {
        assertThatThrownBy(() -> Codecs.javaRecord(Tags.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("component tags of ")
                .hasMessageEndingWith("no codec for java.util.Set<java.lang.String>; give one");
        assertThatThrownBy(() -> Codecs.javaRecord(Generic.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("no codec for T; give one");
        Codec<Tags> codec = Codecs.javaRecord(Tags.class, Map.of(Set.class, new SetCodec()));
        Tags tags = new Tags("a", Set.of("x", "y", "z"));
        assertThat(decoded(codec, encoded(codec, tags))).isEqualTo(tags);
    }

    @Test
    void ownCodecGoesBeforeTheBuiltInOne() {
        Codec<String> reversed =
                new Codec<>() {
                    @Override
                    public void encode(String value, Output out) {
                        out.utf8(new StringBuilder(value).reverse().toString());
                    }

                    @Override
                    public String decode(Input in) {
                        return new StringBuilder(in.utf8(in.remaining())).reverse().toString();
                    }
                };
        Codec<Years.First> codec =
                Codecs.javaRecord(Years.First.class, Map.of(String.class, reversed));
        byte[] bytes = encoded(codec, new Years.First("Ada"));
        assertThat(bytes).endsWith('a', 'd', 'A');
        assertThat(decoded(codec, bytes)).isEqualTo(new Years.First("Ada"));
    }

    @Test
    void ownCodecMustReadToItsEnd() {
        Codec<String> careless =
                new Codec<>() {
                    @Override
                    public void encode(String value, Output out) {
                        out.utf8(value);
                    }

                    @Override
                    public String decode(Input in) {
                        return in.utf8(1);
                    }
                };
        Codec<Years.First> codec =
                Codecs.javaRecord(Years.First.class, Map.of(String.class, careless));
        byte[] bytes = encoded(codec, new Years.First("Ada"));
        assertThatThrownBy(() -> decoded(codec, bytes))
                .isInstanceOf(MalformedBytes.class)
                .hasMessage("at byte 12: expected the end, found 2 more bytes");
    }

    @Test
    void classThatIsClosedIsNamedWithWhatToDo() throws ClassNotFoundException {
        Class<? extends Record> closed =
                Class.forName("jdk.internal.classfile.impl.TargetInfoImpl$CatchTargetImpl")
                        .asSubclass(Record.class);
        assertThatThrownBy(() -> Codecs.javaRecord(closed))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("java.base must declare 'opens jdk.internal.classfile.impl'");
    }

    @Test
    void publicClassOfAnExportedPackageIsReached() throws ClassNotFoundException {
        Class<? extends Record> exported =
                Class.forName("java.security.PEMRecord").asSubclass(Record.class);
        assertThat(Codecs.javaRecord(exported)).isNotNull();
    }

    @Test
    void lookupOfTheUserReachesItsRecords() {
        Codec<Point> codec = Codecs.javaRecord(Point.class, Map.of(), MethodHandles.lookup());
        Point point = new Point(1, 2);
        assertThat(decoded(codec, encoded(codec, point))).isEqualTo(point);
    }

    /** Writes the strings in their order, so that equal sets have equal bytes. */
    private static final class SetCodec implements Codec<Set<String>> {
        @Override
        public void encode(Set<String> value, Output out) {
            out.utf8(String.join(",", value.stream().sorted().toList()));
        }

        @Override
        public Set<String> decode(Input in) {
            return Set.of(in.utf8(in.remaining()).split(","));
        }
    }
}
