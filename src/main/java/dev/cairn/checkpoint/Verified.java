package dev.cairn.checkpoint;

import dev.cairn.Verification;
import dev.cairn.units.Units;

import java.util.List;

/** The result of a verification. */
record Verified(long entries, long records, long bytes, List<String> damages, int uncomparedStripes)
        implements Verification {

    Verified {
        damages = List.copyOf(damages);
    }

    @Override
    public String toString() {
        return "%s: %s, %s records, %s of log read%s"
                .formatted(
                        sound() ? "sound" : "damaged",
                        Units.entries(entries),
                        Units.count(records),
                        Units.bytes(bytes),
                        sound() ? "" : "; the first damage: " + damages.getFirst());
    }
}
