package dev.cairn.cli.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Attacks the reading of texts: bad lines must be reported with file, line and what was expected,
 * and nothing else may ever happen.
 */
class MalformedInputTest {
    private static final String HEADER = "VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n";
    private static final String PRINT = "VERSION=3\nformat=print\ntype=hash\nHEADER=END\n";

    static List<Arguments> malformed() {
        return Stream.of(
                        tsv("a\tb\n\n", 2, "no tab"),
                        tsv("a\tb\tc", 1, "or two tabs"),
                        tsv("a\tb\t", 1, "such as 2026-01-31T12:00:00Z"),
                        tsv("a\tb\t2026-01-31", 1, "write \\t for a tab"),
                        tsv("a\tb\t2026-01-31T12:00:00Z\t", 1, "time at which"),
                        tsv("a\tb\t2026-01-31T12:00:00Z\r\n", 1, "carriage return"),
                        tsv("a\tb\r\n", 1, "carriage return"),
                        tsv("a\t\\q", 1, "expected \\t"),
                        tsv("a\tb\\", 1, "expected \\t"),
                        tsv("a\\\tb", 1, "expected \\t"),
                        tsv("a\t\\x4", 1, "two hexadecimal digits"),
                        tsv("a\t\\xg0", 1, "two hexadecimal digits"),
                        tsv("\u00ef\u00bb\u00bfa\tb", 1, "byte order mark"),
                        tsv("\u00ff\u00fea\0\t\0b\0\n\0", 1, "byte order mark"),
                        json("\u00ef\u00bb\u00bf{}", 1, "byte order mark"),
                        json("\n", 1, "JSON object"),
                        json("[]", 1, "JSON object"),
                        json("{\"key\":\"a\"}", 1, "no value"),
                        json("{\"value\":\"a\"}", 1, "no key"),
                        json("{\"key\":\"a\",\"value\":1}", 1, "a string"),
                        json("{\"key\":\"a\",\"value\":null}", 1, "a string"),
                        json("{\"key\":\"a\",\"key64\":\"\",\"value\":\"\"}", 1, "once"),
                        json("{\"key\":\"a\",\"ttl\":\"\",\"value\":\"\"}", 1, "ttl"),
                        json("{\"key\":\"a\",\"value\":\"\",\"expires\":0}", 1, "a time"),
                        json("{\"key\":\"a\",\"value\":\"\",\"expires\":null}", 1, "a time"),
                        json("{\"key\":\"a\",\"value\":\"\",\"expires\":\"soon\"}", 1, "a time"),
                        json(
                                "{\"key\":\"a\",\"value\":\"\",\"expires\":\"2026-01-31T12:00:00Z\","
                                        + "\"expires\":\"2026-01-31T12:00:00Z\"}",
                                1,
                                "once"),
                        json("{\"key\":\"a\",\"value\":\"\"} x", 1, "one JSON object"),
                        json("{\"key\":\"a\",\"value\":\"\"}{}", 1, "end of the line"),
                        json("{\"key\":\"a\",\"value\":\"", 1, "one JSON object"),
                        json("{\"key\":\"a\",\"value64\":\"*\"}", 1, "not base64"),
                        json("{\"key\":\"\\ud800\",\"value\":\"\"}", 1, "surrogate"),
                        json("{\"key\":\"\u00ff\",\"value\":\"\"}", 1, "expected UTF-8"),
                        mdb("", 1, "VERSION=3"),
                        mdb("VERSION=3\r\nformat=print\r\n", 1, "carriage return"),
                        mdb(HEADER + " 61\r\n", 5, "carriage return"),
                        mdb("VERSION=2\n", 1, "VERSION=3"),
                        mdb("VERSION=3\nHEADER=END\n", 2, "format="),
                        mdb("VERSION=3\nformat=xml\n", 2, "format="),
                        mdb("VERSION=3\ntype=recno\n", 2, "type=btree"),
                        mdb("VERSION=3\nduplicates=1\n", 2, "duplicates"),
                        mdb("VERSION=3\nnonsense\n", 2, "NAME=VALUE"),
                        mdb("VERSION=3\nformat=print\n", 2, "HEADER=END"),
                        mdb(HEADER, 4, "DATA=END"),
                        mdb(HEADER + " 61\n", 5, "DATA=END"),
                        mdb(HEADER + " 61\nDATA=END\n", 6, "value of the last key"),
                        mdb(HEADER + "61\n", 5, "starts with a space"),
                        mdb(HEADER + " 6\n", 5, "odd number"),
                        mdb(HEADER + " 6x\n", 5, "two hexadecimal digits"),
                        mdb(HEADER + "DATA=END\nVERSION=3\n", 6, "one database at a time"),
                        mdb(PRINT + " a\\6\n", 5, "two hexadecimal digits"),
                        mdb(PRINT + " a\u0001\n", 5, "printable"),
                        mdb(PRINT + " a\u00e4\n", 5, "printable"))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void theLineAndWhatWasExpectedAreTold(
            TextFormat format, String text, int line, String expected) {
        assertThatThrownBy(() -> count(format, text.getBytes(ISO_8859_1)))
                .isInstanceOf(MalformedInput.class)
                .hasMessageStartingWith("input:" + line + ": ")
                .hasMessageContaining(expected);
    }

    @Test
    void printedDumpsAreRead() throws IOException {
        EntryReader reader =
                TextFormat.MDB.reader(
                        new ByteArrayInputStream(
                                (PRINT + " a b\n \\\\\\5c\\00\n \n \nDATA=END\n")
                                        .getBytes(ISO_8859_1)),
                        "input");

        Entry first = Objects.requireNonNull(reader.next());
        Entry second = Objects.requireNonNull(reader.next());

        assertThat(first.key()).isEqualTo("a b".getBytes(ISO_8859_1));
        assertThat(first.value()).isEqualTo(new byte[] {'\\', '\\', 0});
        assertThat(second.key()).isEmpty();
        assertThat(reader.next()).isNull();
        assertThat(reader.next()).isNull();
    }

    @Test
    void theLastLineNeedsNoLineFeed() throws IOException {
        assertThat(count(TextFormat.TSV, "a\tb\nc\td".getBytes(ISO_8859_1))).isEqualTo(2);
    }

    /** Whatever comes in, either entries or a reported error must come out. */
    @Property
    void damagedInputIsReadOrRefused(@ForAll TextFormat format, @ForAll long seed) {
        Random random = new Random(seed);
        byte[] text =
                switch (format) {
                    case TSV -> "key\tval\\x00\\n\nk\\\\\tv\n".getBytes(ISO_8859_1);
                    case JSONL ->
                            "{\"key\":\"a\",\"value64\":\"AAA=\"}\n{\"key\":\"\\u00e4\",\"value\":\"\"}\n"
                                    .getBytes(ISO_8859_1);
                    case MDB -> (HEADER + " 6162\n 00\nDATA=END\n").getBytes(ISO_8859_1);
                };
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            text[random.nextInt(text.length)] = (byte) random.nextInt(256);
        }
        byte[] damaged = Arrays.copyOf(text, random.nextInt(text.length + 1));
        try {
            assertThat(count(format, damaged)).isBetween(0, damaged.length);
        } catch (MalformedInput e) {
            assertThat(e).hasMessageMatching("(?s)input:\\d+: .+");
        } catch (IOException e) {
            throw new AssertionError("no other error is expected", e);
        }
    }

    private static int count(TextFormat format, byte[] text) throws IOException {
        EntryReader reader = format.reader(new ByteArrayInputStream(text), "input");
        int count = 0;
        while (reader.next() != null) {
            count++;
        }
        return count;
    }

    private static Arguments tsv(String text, int line, String expected) {
        return Arguments.of(TextFormat.TSV, text, line, expected);
    }

    private static Arguments json(String text, int line, String expected) {
        return Arguments.of(TextFormat.JSONL, text, line, expected);
    }

    private static Arguments mdb(String text, int line, String expected) {
        return Arguments.of(TextFormat.MDB, text, line, expected);
    }
}
