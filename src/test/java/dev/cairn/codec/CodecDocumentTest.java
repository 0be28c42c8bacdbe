package dev.cairn.codec;

import static dev.cairn.codec.Coding.decoded;
import static dev.cairn.codec.Coding.encoded;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * Guards the bytes in docs/codecs.md: this version must write them, and so must every later one.
 */
class CodecDocumentTest {
    enum Role {
        READER,
        EDITOR
    }

    record Address(String street, int number) {}

    record Person(
            String name,
            int born,
            boolean active,
            @Nullable Address home,
            @Nullable List<Role> roles) {}

    private static final HexFormat HEX = HexFormat.ofDelimiter(" ").withUpperCase();
    private static final Codec<Person> PERSONS = Codecs.javaRecord(Person.class);
    private static final Path DOCUMENT = Path.of("docs/codecs.md");
    private static final List<List<String>> ROWS = rows();

    @Test
    void singleValuesAreAsInTheDocument() {
        assertBytes("\"Zoë\"", Codecs.utf8(), "Zoë");
        assertBytes("-2", Codecs.int32(), -2);
        assertBytes("1815L", Codecs.int64(), 1815L);
        String id = "00112233-4455-6677-8899-aabbccddeeff";
        assertBytes(id, Codecs.uuid(), UUID.fromString(id));
        String time = "2026-01-02T03:04:05.000000006Z";
        assertBytes(time, Codecs.instant(), Instant.parse(time));
    }

    @Test
    void recordsAreAsInTheDocument() {
        assertBytes(
                "Person(\"Ada\", 1815, true, null, null)",
                PERSONS,
                new Person("Ada", 1815, true, null, null));
        assertBytes(
                "Person(\"Ada\", 1815, true, Address(\"A\", 12), null)",
                PERSONS,
                new Person("Ada", 1815, true, new Address("A", 12), null));
        assertBytes(
                "Person(null, 0, false, null, null)",
                PERSONS,
                new Person(null, 0, false, null, null));
    }

    @Test
    void exampleIsDescribedByteByByte() {
        Person person = new Person("Ada", 1815, true, null, List.of(Role.EDITOR));
        int from = ROWS.indexOf(List.of("offset", "bytes", "content"));
        assertThat(from).isNotNegative();
        Output described = new Output();
        for (List<String> row : ROWS.subList(from + 2, ROWS.size())) {
            if (!row.getFirst().matches("\\d+")) {
                break;
            }
            assertThat(described.length()).isEqualTo(Integer.parseInt(row.getFirst()));
            described.write(HEX.parseHex(row.get(1)));
        }
        assertThat(HEX.formatHex(encoded(PERSONS, person)))
                .isEqualTo(HEX.formatHex(described.toBytes()));
        assertThat(described.length()).isEqualTo(32);
        assertThat(decoded(PERSONS, described.toBytes())).isEqualTo(person);
    }

    @Test
    void fingerprintIsThatOfTheTextInTheDocument() {
        CRC32C fingerprint = new CRC32C();
        String shape = "name:String;born:int;active:boolean;home:record;roles:List<enum>;";
        fingerprint.update(shape.getBytes(UTF_8));
        Output out = new Output();
        out.int32((int) fingerprint.getValue());
        assertThat(ROWS)
                .contains(
                        List.of(
                                "2",
                                HEX.formatHex(out.toBytes()),
                                "CRC-32C of `%s`".formatted(shape)));
    }

    /** The document's example of a codec of one's own must be the one that is tested. */
    @Test
    void exampleOfOnesOwnIsTheTestedOne() {
        String source = text(Path.of("src/test/java/dev/cairn/codec/JacksonCodec.java"));
        String document = text(DOCUMENT);
        int from = document.indexOf("@Override\npublic void encode");
        String example = document.substring(from, document.indexOf("```", from));
        assertThat(source).contains(example.indent(4).replaceAll("(?m)^ +$", "").stripTrailing());
    }

    private static <T> void assertBytes(String name, Codec<T> codec, T value) {
        String bytes = HEX.formatHex(encoded(codec, value));
        assertThat(ROWS).contains(List.of("`" + name + "`", bytes));
        assertThat(decoded(codec, HEX.parseHex(bytes))).isEqualTo(value);
    }

    private static List<List<String>> rows() {
        List<List<String>> rows = new ArrayList<>();
        for (String line : text(DOCUMENT).split("\n", -1)) {
            if (line.startsWith("|")) {
                String cells = line.substring(1, line.lastIndexOf('|'));
                rows.add(Arrays.stream(cells.split("\\|", -1)).map(String::strip).toList());
            }
        }
        return rows;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file, UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
