package dev.cairn.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.List;

/** One JSON object on one line, for scripts. A duration {@code x} becomes {@code xNanos}. */
final class JsonReport {
    private final StringWriter text = new StringWriter();
    private final JsonGenerator json;

    JsonReport() {
        try {
            json = new JsonFactory().createGenerator(text);
            json.writeStartObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    JsonReport put(String name, Object value) {
        try {
            write(name, value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** Puts each component of the record, so that what it gains is never left out here. */
    JsonReport putAll(Record record) {
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            try {
                put(component.getName(), component.getAccessor().invoke(record));
            } catch (ReflectiveOperationException e) {
                throw new LinkageError("cannot read " + component, e);
            }
        }
        return this;
    }

    /** The object; nothing more can be put afterwards. */
    @Override
    public String toString() {
        try {
            json.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private void write(String name, Object value) throws IOException {
        switch (value) {
            case Duration duration -> json.writeNumberField(name + "Nanos", duration.toNanos());
            case Long number -> json.writeNumberField(name, number);
            case Integer number -> json.writeNumberField(name, number);
            case Boolean truth -> json.writeBooleanField(name, truth);
            case Record record -> {
                json.writeObjectFieldStart(name);
                putAll(record);
                json.writeEndObject();
            }
            case List<?> list -> {
                json.writeArrayFieldStart(name);
                for (Object element : list) {
                    json.writeString(element.toString());
                }
                json.writeEndArray();
            }
            default -> json.writeStringField(name, value.toString());
        }
    }
}
