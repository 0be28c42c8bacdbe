package dev.cairn.log;

import dev.cairn.format.OwnerWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.log.DataFile.State;
import dev.cairn.shared.SharedMemory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;

/**
 * The holes: free regions that may lack blocks. A process makes them when it gives blocks back; a
 * recovery assumes them, because it cannot know. A hole is filled before it is claimed. The caller
 * holds the grow lock, or no other process is there.
 */
final class Holes {
    /** The number of regions that get blocks at once, if that many are free. */
    private static final int STEP_REGIONS = 16;

    private final DataFile data;
    private final SharedMemory shared;
    private final RegionCounts counts;

    Holes(DataFile data, SharedMemory shared, RegionCounts counts) {
        this.data = data;
        this.shared = shared;
        this.counts = counts;
    }

    /**
     * Gives blocks to {@code regions} neighbours that are free or holes, to some behind them, and
     * to as many regions as are lacking besides.
     *
     * @return the first of the neighbours, or -1 if there are none
     * @throws IOException if there is no space for all that
     */
    long filled(long count, int regions, long lacking) throws IOException {
        long first = counts.run(0, count, regions, EnumSet.of(State.FREE, State.HOLE));
        long filled = 0;
        for (long i = 0; first >= 0 && i < count; i++) {
            boolean enough = i >= regions && filled >= lacking;
            if (enough && i >= STEP_REGIONS) {
                return first;
            }
            long region = Math.floorMod(first + i, count);
            if (counts.look(region) == State.HOLE) {
                try {
                    fill(region);
                } catch (IOException e) {
                    if (enough) {
                        return first;
                    }
                    throw e;
                }
                filled++;
            }
        }
        return filled >= lacking ? first : -1;
    }

    private void fill(long region) throws IOException {
        data.file().opened().refill(data.regionAt(region), data.regionAt(region + 1));
        long generation = counts.generation();
        setHole(region, 0);
        counts.holesMade(-1);
        counts.freed(1, generation);
    }

    /**
     * Gives blocks to living regions, and takes the others for holes.
     *
     * @throws IOException if there is no space for them
     */
    void fillLiving() throws IOException {
        data.file().opened().fillHoles(0, data.regionAt(0));
        for (long region = 0; region < data.regions(); region++) {
            if (counts.look(region) == State.ALIVE) {
                data.file().opened().fillHoles(data.regionAt(region), data.regionAt(region + 1));
                shared.advanced(data.regionBytes());
            } else {
                setHole(region, 1);
            }
        }
    }

    /**
     * Gives the blocks of free regions back, but keeps this many regions; returns how many gave up
     * their blocks.
     *
     * @throws IOException if the file system cannot do it
     */
    long punchAllBut(int most) throws IOException {
        int kept = 0;
        long punched = 0;
        for (long region = 0; region < data.regions(); region++) {
            if (kept < most && counts.look(region) == State.FREE) {
                kept++;
            } else {
                punched += punch(region, most) ? 1 : 0;
            }
        }
        return punched;
    }

    /**
     * Gives the blocks of a region back. While it loses its blocks, the region is claimed by a word
     * that names no stripe; afterwards it is dead with another number. So a process that judged it
     * free before cannot claim it as it was.
     */
    private boolean punch(long region, int most) throws IOException {
        long at = shared.ownerAt(region);
        MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
        long judged = Words.acquire(memory, at + OwnerWords.OWNER);
        if (OwnerWords.isAlive(judged) || counts.look(region) != State.FREE) {
            return false;
        }
        long generation = counts.generation();
        if (!counts.take(1, most)) { // others may have claimed the regions that were to be kept
            return false;
        }
        if (!Words.cas(memory, at + OwnerWords.OWNER, judged, OwnerWords.punching())) {
            counts.freed(1, generation);
            return false;
        }
        setHole(region, 1);
        try {
            data.file().opened().punch(data.regionAt(region), data.regionAt(region + 1));
        } finally {
            endPunch(region);
            counts.holesMade(1);
        }
        return true;
    }

    /** Completes punches whose process, the holder of the grow lock, is dead. */
    void endPunches() {
        for (long region = 0; region < data.regions(); region++) {
            if (counts.look(region) == State.PUNCHING) {
                endPunch(region);
                counts.holesMade(1);
            }
        }
    }

    private void endPunch(long region) {
        long at = shared.ownerAt(region);
        MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
        setHole(region, 1);
        long number = Words.add(shared.base(), SharedLayout.ALLOCATIONS, 1) + 1; // RULE 4
        long dead = OwnerWords.dead(OwnerWords.alive(0, number));
        Words.release(memory, at + OwnerWords.OWNER, dead);
    }

    private void setHole(long region, long hole) {
        long at = shared.ownerAt(region) + OwnerWords.HOLE;
        Words.release(shared.covering(at, Long.BYTES), at, hole);
    }
}
