package dev.cairn.engine;

import dev.cairn.log.Records.Copy;
import dev.cairn.log.Records.Outline;

import org.jspecify.annotations.Nullable;

/**
 * An entry as it was seen, confirmed, and the words that tell whether it still is one (RULE 29).
 *
 * @param copy what was written, its checksums compared; null if nobody asked for it
 * @param table the stripe's table word then
 * @param slotAt of its slot word in the shared-memory file
 * @param slot its slot word
 */
public record Sighting(
        Outline outline, @Nullable Copy copy, int stripe, long table, long slotAt, long slot) {
    public long version() {
        return outline.version();
    }

    /** Milliseconds since 1970, 0 never. */
    public long expires() {
        return outline.expires();
    }
}
