package dev.cairn.checkpoint;

import dev.cairn.events.Events;
import dev.cairn.events.Recording;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.log.DataFile;

import org.jspecify.annotations.Nullable;

/** What is recorded about a checkpoint, if checkpoints are recorded at all. */
final class CheckpointRecord {
    private final DataFile data;
    private final @Nullable Recording<Events.Checkpoint> event;
    private long longestCutNanos;
    private int cuts;
    private long epoch;
    private long bytes;
    private long claimed;
    private long forcingSince;

    /**
     * @param event null if checkpoints are not recorded
     */
    CheckpointRecord(DataFile data, @Nullable Recording<Events.Checkpoint> event) {
        this.data = data;
        this.event = event;
    }

    /** Notes that writers were held up for this time, whether or not a cut was made. */
    void attempted(long nanos) {
        cuts++;
        longestCutNanos = Math.max(longestCutNanos, nanos);
    }

    /**
     * Notes that there is a cut, which is about to be forced.
     *
     * @param before the durable checkpoint; null if neither slot holds it
     */
    void forcing(CheckpointSlot slot, @Nullable CheckpointSlot before) {
        if (event != null) {
            epoch = slot.epoch();
            bytes = data.regionAt(slot.regions());
            claimed = slot.allocations() - (before == null ? 0 : before.allocations());
            forcingSince = System.nanoTime();
        }
    }

    void succeeded() {
        end(null);
    }

    void failed(Throwable why) {
        end(why);
    }

    private void end(@Nullable Throwable failure) {
        if (event != null) {
            long forceNanos = epoch == 0 ? 0 : System.nanoTime() - forcingSince;
            event.end(
                    new Events.Checkpoint(
                            data.path(),
                            epoch,
                            bytes,
                            claimed,
                            longestCutNanos,
                            cuts,
                            forceNanos,
                            failure));
        }
    }
}
