package dev.cairn.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Attacks the promise that a format reads back what it writes, byte for byte, whatever the bytes.
 */
class TextFormatTest {
    @Property
    void everyFormatIsLossless(
            @ForAll TextFormat format, @ForAll("entries") List<List<byte[]>> entries)
            throws IOException {
        byte[] text = write(format, entries);

        List<List<byte[]>> read = read(format, text);

        assertThat(read).hasSameSizeAs(entries);
        for (int i = 0; i < entries.size(); i++) {
            assertThat(read.get(i)).containsExactlyElementsOf(entries.get(i));
        }
    }

    @Property
    void timesAreKeptToTheMillisecond(
            @ForAll("bytes") byte[] key, @ForAll("bytes") byte[] value, @ForAll long millis)
            throws IOException {
        Instant expires = Instant.ofEpochMilli(millis);
        for (TextFormat format : TextFormat.values()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            EntryWriter writer = format.writer(out);
            writer.write(key, value, expires);
            writer.write(value, key);
            writer.finish();
            EntryReader reader = format.reader(new ByteArrayInputStream(out.toByteArray()), "test");

            assertThat(reader.next().expires()).isEqualTo(format.tellsExpiry() ? expires : null);
            Entry second = reader.next();
            assertThat(second.key()).isEqualTo(value);
            assertThat(second.value()).isEqualTo(key);
            assertThat(second.expires()).isNull();
        }
    }

    @Property
    void tsvHasNoControlCharactersBesideItsTabsAndLineFeeds(
            @ForAll("entries") List<List<byte[]>> entries) throws IOException {
        byte[] text = write(TextFormat.TSV, entries);

        assertThat(Utf8.decode(text)).isNotNull();
        String decoded = new String(text, UTF_8);
        assertThat(decoded.chars().filter(c -> (c < ' ' && c != '\t' && c != '\n') || c == 0x7f))
                .isEmpty();
        assertThat(decoded.lines()).hasSameSizeAs(entries);
    }

    @Property
    void utf8IsJudgedAsByTheJdk(@ForAll("bytes") byte[] bytes) {
        boolean valid = true;
        for (int i = 0; valid && i < bytes.length; i += Utf8.sequenceAt(bytes, i)) {
            valid = Utf8.sequenceAt(bytes, i) > 0;
        }

        assertThat(valid).isEqualTo(Utf8.decode(bytes) != null);
        assertThat(valid).isEqualTo(Arrays.equals(new String(bytes, UTF_8).getBytes(UTF_8), bytes));
    }

    @Test
    void theExtensionNamesTheFormat() {
        assertThat(TextFormat.of(Path.of("a/b.JSONL"))).isEqualTo(TextFormat.JSONL);
        assertThat(TextFormat.of(Path.of("b.mdb"))).isEqualTo(TextFormat.MDB);
        assertThat(TextFormat.of(Path.of("b.dump"))).isEqualTo(TextFormat.MDB);
        assertThat(TextFormat.of(Path.of("b"))).isEqualTo(TextFormat.TSV);
        assertThat(TextFormat.of(null)).isEqualTo(TextFormat.TSV);
    }

    @Test
    void aLineLongerThanTheBufferIsRead() throws IOException {
        byte[] value = "ä\0".repeat(200_000).getBytes(UTF_8);
        for (TextFormat format : TextFormat.values()) {
            List<List<byte[]>> read =
                    read(format, write(format, List.of(List.of(new byte[0], value))));

            assertThat(read).hasSize(1);
            assertThat(read.getFirst().get(0)).isEmpty();
            assertThat(read.getFirst().get(1)).isEqualTo(value);
        }
    }

    @Provide
    Arbitrary<List<List<byte[]>>> entries() {
        return Combinators.combine(bytes(), bytes()).as(List::of).list().ofMaxSize(8);
    }

    /** Arbitrary bytes, text, and text in which single bytes were changed. */
    @Provide
    Arbitrary<byte[]> bytes() {
        Arbitrary<byte[]> raw = Arbitraries.bytes().array(byte[].class).ofMaxSize(40);
        Arbitrary<byte[]> text =
                Arbitraries.strings().all().ofMaxLength(20).map(string -> string.getBytes(UTF_8));
        Arbitrary<byte[]> damaged =
                Combinators.combine(
                                text, Arbitraries.integers().between(0, 79), Arbitraries.bytes())
                        .as((bytes, at, b) -> {
                            byte[] copy = bytes.clone();
                            if (copy.length > 0) {
                                copy[at % copy.length] = b;
                            }
                            return copy;
                        });
        return Arbitraries.oneOf(raw, text, damaged);
    }

    private static byte[] write(TextFormat format, List<List<byte[]>> entries) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        EntryWriter writer = format.writer(out);
        for (List<byte[]> entry : entries) {
            writer.write(entry.get(0), entry.get(1));
        }
        writer.finish();
        return out.toByteArray();
    }

    private static List<List<byte[]>> read(TextFormat format, byte[] text) throws IOException {
        EntryReader reader = format.reader(new ByteArrayInputStream(text), "test");
        List<List<byte[]>> read = new ArrayList<>();
        for (Entry entry = reader.next(); entry != null; entry = reader.next()) {
            read.add(List.of(entry.key(), entry.value()));
        }
        return read;
    }
}
