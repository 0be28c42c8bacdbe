package dev.cairn.codec;

import static dev.cairn.codec.Coding.decoded;
import static dev.cairn.codec.Coding.decodedAmidOthers;
import static dev.cairn.codec.Coding.encoded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

/** Attacks a codec of one's own, alone and for a component of a record. */
class CodecJacksonTest {
    record Session(String user, List<String> roles) {}

    record Envelope(long sequence, Session session, int attempts) {}

    private static final Session SESSION = new Session("Ada", List.of("admin", "editor"));

    private final Codec<Session> codec = new JacksonCodec<>(Session.class, new ObjectMapper());

    @Test
    void valueIsWrittenAsJson() {
        byte[] bytes = encoded(codec, SESSION);
        assertThat(new String(bytes, UTF_8))
                .isEqualTo("{\"user\":\"Ada\",\"roles\":[\"admin\",\"editor\"]}");
        assertThat(decodedAmidOthers(codec, bytes)).isEqualTo(SESSION);
    }

    @Test
    void otherBytesAreMalformed() {
        for (String text : List.of("", "{", "[1]", "{\"user\":\"Ada\"} {}", "{\"age\":1}")) {
            assertThatThrownBy(() -> decoded(codec, text.getBytes(UTF_8)))
                    .as(text)
                    .isInstanceOf(MalformedBytes.class);
        }
    }

    @Test
    void componentMayBeWrittenAsJson() {
        Codec<Envelope> envelopes = Codecs.javaRecord(Envelope.class, Map.of(Session.class, codec));
        Envelope envelope = new Envelope(7, SESSION, 3);
        byte[] bytes = encoded(envelopes, envelope);
        assertThat(new String(bytes, UTF_8)).contains("{\"user\":\"Ada\"");
        assertThat(decoded(envelopes, bytes)).isEqualTo(envelope);
    }
}
