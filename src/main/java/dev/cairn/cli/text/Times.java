package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.time.format.DateTimeParseException;

/** The text form of an expiry, which is ISO 8601. */
final class Times {
    static final String EXAMPLE = "2026-01-31T12:00:00Z";

    private Times() {}

    /** The time, or null if the text is not one. */
    static @Nullable Instant parse(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeParseException e) {
            return null;
        }
    }
}
