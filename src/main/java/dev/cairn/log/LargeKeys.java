package dev.cairn.log;

import dev.cairn.CorruptStore;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Distinguishes two reasons why a record's run with its key is gone: the record was superseded, and
 * the run went to another record; or the run is damaged. Of the records of a key only an older one
 * may be gone. The checksum of the key is in the record itself, so it is known even if the key is
 * lost.
 */
public final class LargeKeys {
    private final Map<Integer, Seen> newest = new HashMap<>();

    /** What is noted of a record. It does not include the key, which is large. */
    private record Seen(long version, boolean gone, long offset) {}

    /** Notes a record. */
    public void saw(Chain.Entry entry) {
        if (entry.run() != null && entry.run().hasKey()) {
            newest.merge(
                    entry.run().keyCrc(),
                    new Seen(entry.version(), entry.gone(), entry.offset()),
                    (old, next) -> next.version() >= old.version() ? next : old);
        }
    }

    /**
     * Checks as {@link #damage} does.
     *
     * @throws CorruptStore if the newest record of some key is gone
     */
    public void requireNoDamage(Path file) {
        CorruptStore damage = damage(file);
        if (damage != null) {
            throw damage;
        }
    }

    /** The error if the newest record of some key is gone; null if none is. */
    public @Nullable CorruptStore damage(Path file) {
        for (Seen entry : newest.values()) {
            if (entry.gone()) {
                return new CorruptStore(
                        file,
                        entry.offset(),
                        "a run with the key of this record, which is not superseded",
                        "a run without a valid checksum");
            }
        }
        return null;
    }
}
