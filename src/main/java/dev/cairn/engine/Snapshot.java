package dev.cairn.engine;

import dev.cairn.Overtaken;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.Words;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Tells whether the checkpoint that a private view shows is still the newest. While it is, none of
 * its regions is reused (RULE 25). When a newer one is in the file, the view may show reused
 * regions.
 */
final class Snapshot {
    private final Path path;
    private final MemorySegment memory;
    private final long[] slotsAt;
    private final long[] epochs;

    /**
     * @param memory a mapping of the data file
     */
    Snapshot(Path path, MemorySegment memory, DataHeader header) {
        this.path = path;
        this.memory = memory;
        this.slotsAt =
                new long[] {
                    DataHeader.slotAt(0, header.stripes()), DataHeader.slotAt(1, header.stripes())
                };
        this.epochs = new long[] {epoch(0), epoch(1)};
    }

    private long epoch(int slot) {
        return Words.acquire(memory, slotsAt[slot] + CheckpointSlot.EPOCH);
    }

    /**
     * Confirms what was read before the call.
     *
     * @throws Overtaken if a newer checkpoint was written since
     */
    void requireCurrent() {
        if (epoch(0) != epochs[0] || epoch(1) != epochs[1]) {
            throw new Overtaken(
                    path,
                    "a newer checkpoint overtook the one that this read-only store"
                            + " shows; open the store again");
        }
    }
}
