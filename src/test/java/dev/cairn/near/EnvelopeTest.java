package dev.cairn.near;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.codec.Codec;
import dev.cairn.codec.Codecs;
import dev.cairn.codec.Input;
import dev.cairn.codec.MalformedBytes;
import dev.cairn.codec.Output;
import dev.cairn.near.Envelope.Kind;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/** Attacks the bytes that a cache puts before a value. */
class EnvelopeTest {
    private static final HexFormat HEX = HexFormat.ofDelimiter(" ").withUpperCase();
    private static final Codec<Envelope<Integer>> CODEC = Envelope.codec(Codecs.int32());

    private static byte[] encoded(Envelope<Integer> envelope) {
        Output out = new Output();
        CODEC.encode(envelope, out);
        return out.toBytes();
    }

    private static Envelope<Integer> decoded(byte[] bytes) {
        return CODEC.decode(new Input(bytes, 0, bytes.length));
    }

    @Test
    void theDocumentsExampleIsWhatIsWritten() throws IOException {
        String bytes = HEX.formatHex(encoded(new Envelope<>(Kind.VALUE, 1000, -2)));
        assertThat(Files.readString(Path.of("docs/codecs.md"))).contains("`" + bytes + "`");
    }

    @Test
    void whatIsWrittenIsRead() {
        for (Envelope<Integer> envelope :
                List.of(
                        new Envelope<>(Kind.VALUE, 0, 7),
                        new Envelope<Integer>(Kind.ABSENT, 5, null),
                        new Envelope<Integer>(Kind.LOADING, Long.MAX_VALUE, null))) {
            byte[] bytes = encoded(envelope);
            assertThat(decoded(bytes)).isEqualTo(envelope);
            for (int length = 0; length < bytes.length; length++) {
                byte[] cut = java.util.Arrays.copyOf(bytes, length);
                assertThatThrownBy(() -> decoded(cut)).isInstanceOf(MalformedBytes.class);
            }
            byte[] longer = java.util.Arrays.copyOf(bytes, bytes.length + 1);
            assertThatThrownBy(() -> decoded(longer)).isInstanceOf(MalformedBytes.class);
        }
    }

    @Test
    void otherBytesSayWhatIsWrong() {
        byte[] kind = encoded(new Envelope<>(Kind.VALUE, 0, 7));
        kind[0] = 'x';
        assertThatThrownBy(() -> decoded(kind))
                .isInstanceOf(MalformedBytes.class)
                .hasMessageContaining("kind of a cache's entry, 0xF8 to 0xFA, found 0x78");
        assertThatThrownBy(() -> decoded(encoded(new Envelope<>(Kind.VALUE, -1, 7))))
                .isInstanceOf(MalformedBytes.class)
                .hasMessageContaining("found -1 ms since 1970");
    }
}
