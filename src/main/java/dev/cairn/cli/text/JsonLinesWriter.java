package dev.cairn.cli.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.Base64;

/**
 * Writes one JSON object per line, {@code {"key":"..","value":".."}}. Bytes that are not valid
 * UTF-8 are written in {@code key64} or {@code value64}, as base64. An entry with a time to live
 * also has {@code expires}, such as {@code "2026-01-31T12:00:00Z"}.
 */
final class JsonLinesWriter implements EntryWriter {
    private static final JsonFactory FACTORY =
            JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();

    private final JsonGenerator json;

    JsonLinesWriter(OutputStream out) throws IOException {
        json = FACTORY.createGenerator(out).setRootValueSeparator(null);
    }

    @Override
    public void write(byte[] key, byte[] value, @Nullable Instant expires) throws IOException {
        json.writeStartObject();
        field("key", key);
        field("value", value);
        if (expires != null) {
            json.writeStringField("expires", expires.toString());
        }
        json.writeEndObject();
        json.writeRaw('\n');
    }

    @Override
    public void finish() throws IOException {
        json.close();
    }

    private void field(String name, byte[] bytes) throws IOException {
        String text = Utf8.decode(bytes);
        if (text != null) {
            json.writeStringField(name, text);
        } else {
            json.writeStringField(name + "64", Base64.getEncoder().encodeToString(bytes));
        }
    }
}
