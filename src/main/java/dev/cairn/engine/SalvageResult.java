package dev.cairn.engine;

import dev.cairn.Salvage;
import dev.cairn.units.Units;

import java.util.List;

/** The result of a salvage. */
record SalvageResult(
        long checkpoint,
        boolean newest,
        long expected,
        long entries,
        long uncertain,
        long lost,
        long lostBytes,
        long lostRegions,
        List<String> damages,
        List<byte[]> lostKeys,
        List<byte[]> uncertainKeys)
        implements Salvage {

    SalvageResult {
        damages = List.copyOf(damages);
        lostKeys = List.copyOf(lostKeys);
        uncertainKeys = List.copyOf(uncertainKeys);
    }

    @Override
    public String toString() {
        return "%s: %s%s; uncertain: %s; lost: %s, %s and %s regions of log; damages listed: %s"
                .formatted(
                        complete() ? "complete" : "incomplete",
                        Units.entries(entries),
                        source(),
                        Units.count(uncertain),
                        Units.entries(lost),
                        Units.bytes(lostBytes),
                        Units.count(lostRegions),
                        Units.count(damages.size()));
    }

    private String source() {
        return checkpoint == 0
                ? ", without a checkpoint"
                : " of %s that checkpoint %s counts, %s the newest"
                        .formatted(
                                Units.count(expected),
                                Units.count(checkpoint),
                                newest ? "which is" : "which may not be");
    }
}
