package dev.cairn.cli.text;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Instant;
import java.util.Base64;

/** Reads what {@link JsonLinesWriter} writes: one object per line, with no other fields. */
final class JsonLinesReader implements EntryReader {
    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxStringLength(Integer.MAX_VALUE)
                                    .build())
                    .build();

    private final Lines lines;

    JsonLinesReader(Lines lines) {
        this.lines = lines;
    }

    @Override
    public @Nullable Entry next() throws IOException {
        byte[] line = lines.next();
        if (line == null) {
            return null;
        }
        String text = Utf8.decode(line);
        if (text == null) {
            throw lines.malformed("expected UTF-8; use key64 and value64 for other bytes");
        }
        try (JsonParser parser = FACTORY.createParser(text)) {
            return entry(parser);
        } catch (MalformedInput e) {
            throw e;
        } catch (JacksonException e) {
            throw lines.malformed(
                    "expected one JSON object on the line: " + e.getOriginalMessage());
        }
    }

    private Entry entry(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw lines.malformed("expected a JSON object such as {\"key\":\"k\",\"value\":\"v\"}");
        }
        byte[] key = null;
        byte[] value = null;
        Instant expires = null;
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            switch (name) {
                case "key", "key64" -> key = once(name, key, parser);
                case "value", "value64" -> value = once(name, value, parser);
                case "expires" -> expires = once(expires, parser);
                default ->
                        throw lines.malformed(
                                "expected key, key64, value, value64 or expires, found the name "
                                        + name);
            }
        }
        if (key == null || value == null) {
            throw lines.malformed(
                    "expected a key and a value, found no " + (key == null ? "key" : "value"));
        }
        if (parser.currentToken() != JsonToken.END_OBJECT || parser.nextToken() != null) {
            throw lines.malformed("expected the end of the line after the object");
        }
        return new Entry(key, value, expires);
    }

    private Instant once(@Nullable Instant earlier, JsonParser parser) throws IOException {
        if (earlier != null) {
            throw lines.malformed("expected each name once, found a second expires");
        }
        Instant expires =
                parser.nextToken() == JsonToken.VALUE_STRING ? Times.parse(parser.getText()) : null;
        if (expires == null) {
            throw lines.malformed("expected a time as expires, such as " + Times.EXAMPLE);
        }
        return expires;
    }

    private byte[] once(String name, byte @Nullable [] earlier, JsonParser parser)
            throws IOException {
        if (earlier != null) {
            throw lines.malformed("expected each name once, found a second " + name);
        }
        if (parser.nextToken() != JsonToken.VALUE_STRING) {
            throw lines.malformed("expected a string as " + name);
        }
        String text = parser.getText();
        if (!name.endsWith("64")) {
            byte[] bytes = Utf8.encode(text);
            if (bytes == null) {
                throw lines.malformed(name + " has half of a surrogate pair; use " + name + "64");
            }
            return bytes;
        }
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw lines.malformed(name + " is not base64: " + e.getMessage());
        }
    }
}
