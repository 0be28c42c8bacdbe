package dev.cairn.events;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Timespan;

import org.jspecify.annotations.Nullable;

@Name("dev.cairn.Checkpoint")
@Label("Checkpoint")
@Description("A checkpoint that this process made or failed to make")
final class CheckpointEvent extends StoreEvent<Events.Checkpoint> {
    @Label("Epoch")
    @Description("Number of the checkpoint; 0 if it failed before it had a number")
    long epoch;

    @Label("Bytes")
    @Description("Bytes of the data file that were forced, whether they had changed or not")
    @DataAmount
    long bytes;

    @Label("Regions Claimed")
    @Description(
            "Regions that the logs claimed since the previous checkpoint; roughly what had changed")
    long regionsClaimed;

    @Label("Cut Time")
    @Description("Longest time for which one attempt to cut made writers wait")
    @Timespan(Timespan.NANOSECONDS)
    long cutTime;

    @Label("Cut Attempts")
    @Description("Attempts to hold all stripes at once; 0 if no other process had the store open")
    int cutAttempts;

    @Label("Force Time")
    @Description("Time that the operating system took to make the bytes durable")
    @Timespan(Timespan.NANOSECONDS)
    long forceTime;

    @Label("Succeeded")
    @Description("Whether everything written before is durable")
    boolean succeeded;

    @Label("Failure")
    @Description("Why the checkpoint failed")
    @Nullable String failure;

    @Override
    void describe(Events.Checkpoint what) {
        file = what.file().toString();
        epoch = what.epoch();
        bytes = what.bytes();
        regionsClaimed = what.claimed();
        cutTime = what.cutNanos();
        cutAttempts = what.cuts();
        forceTime = what.forceNanos();
        succeeded = what.failure() == null;
        failure = what.failure() == null ? null : what.failure().toString();
    }
}
