package dev.cairn.log;

import dev.cairn.CorruptStore;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Tells a record that was superseded, and whose run with its key therefore went to somebody else,
 * from one whose run is damaged: of the records of a key only an older one may be gone. Their keys'
 * checksums stand in the records, also when the keys are lost.
 */
public final class LargeKeys {
    private final Map<Integer, Seen> newest = new HashMap<>();

    /** What is needed of a record; not its key, which is large. */
    private record Seen(long version, boolean gone, long offset) {}

    /** Takes note of a record. */
    public void saw(Chain.Entry entry) {
        if (entry.run() != null && entry.run().hasKey()) {
            newest.merge(
                    entry.run().keyCrc(),
                    new Seen(entry.version(), entry.gone(), entry.offset()),
                    (old, next) -> next.version() >= old.version() ? next : old);
        }
    }

    /**
     * As {@link #damage}.
     *
     * @throws CorruptStore if the newest record of some key is gone
     */
    public void requireNoDamage(Path file) {
        CorruptStore damage = damage(file);
        if (damage != null) {
            throw damage;
        }
    }

    /** What is wrong if the newest record of some key is gone, else null. */
    public @Nullable CorruptStore damage(Path file) {
        for (Seen entry : newest.values()) {
            if (entry.gone()) {
                return new CorruptStore(
                        file,
                        entry.offset(),
                        "a run with the key of this record, the newest of its key",
                        "one without a valid checksum");
            }
        }
        return null;
    }
}
