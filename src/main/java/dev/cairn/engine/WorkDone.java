package dev.cairn.engine;

import dev.cairn.OpeningProgress;
import dev.cairn.units.Units;

/** The progress of a process that opens, recovers or closes a store. */
record WorkDone(boolean recovering, long doneBytes, long allBytes) implements OpeningProgress {
    @Override
    public String toString() {
        return recovering
                ? "recovering: %s of %s, %s %%"
                        .formatted(
                                Units.bytes(doneBytes),
                                Units.bytes(allBytes),
                                Units.count(percent()))
                : "opening or closing";
    }
}
