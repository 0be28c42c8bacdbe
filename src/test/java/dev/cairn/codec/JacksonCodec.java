package dev.cairn.codec;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;

import java.io.IOException;

/**
 * Writes values as JSON, by Jackson. This is an example of a codec of one's own. It is fit for
 * values. It is fit for keys only if their properties always come in the same order.
 */
final class JacksonCodec<T> implements Codec<T> {
    private final ObjectWriter writer;
    private final ObjectReader reader;

    JacksonCodec(Class<T> type, ObjectMapper mapper) {
        writer = mapper.writerFor(type);
        reader = mapper.readerFor(type).with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    }

    @Override
    public void encode(T value, Output out) {
        try {
            writer.writeValue(out, value);
        } catch (IOException e) {
            throw new IllegalArgumentException("cannot be written as JSON", e);
        }
    }

    @Override
    public T decode(Input in) {
        try {
            return reader.readValue(in);
        } catch (IOException e) {
            throw in.malformed("JSON of the type", e.getMessage(), e);
        }
    }
}
