package dev.cairn.engine;

import dev.cairn.log.Records.Copy;
import dev.cairn.log.Records.Outline;

import org.jspecify.annotations.Nullable;

/**
 * An entry that a reader found and whose words it compared again after it had read the record (R5), so
 * it was the entry at some moment of the call. The words tell later whether it has changed since (RULE
 * 29).
 *
 * @param copy the copied entry, with its checksums compared; null if it was not asked for
 * @param table the stripe's table word at that time
 * @param slotAt the position of its slot word in the shared-memory file
 * @param slot its slot word
 */
public record ConfirmedEntry(
        Outline outline, @Nullable Copy copy, int stripe, long table, long slotAt, long slot) {
    public long version() {
        return outline.version();
    }

    /** The expiry in milliseconds since 1970, 0 for never. */
    public long expires() {
        return outline.expires();
    }
}
