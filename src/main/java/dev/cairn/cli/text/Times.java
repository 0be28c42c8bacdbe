package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.time.format.DateTimeParseException;

/** When an entry expires, as text: by ISO 8601. */
final class Times {
    static final String EXAMPLE = "2026-01-31T12:00:00Z";

    private Times() {}

    /** The time, or null when the text is none. */
    static @Nullable Instant parse(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeParseException e) {
            return null;
        }
    }
}
