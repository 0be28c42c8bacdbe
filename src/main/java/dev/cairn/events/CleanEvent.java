package dev.cairn.events;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Throttle;

/**
 * A busy store cleans some thousand regions a second; in that case only some of them are recorded.
 */
@Name("dev.cairn.Clean")
@Label("Clean")
@Description(
        "The oldest region of a stripe's log was freed. The event lasts from the first"
                + " look at the region, and includes other work between the steps")
@Throttle("100/s")
final class CleanEvent extends StoreEvent<Events.Clean> {
    @Label("Stripe")
    int stripe;

    @Label("Region")
    @Description("Allocation number of the region that was freed")
    long region;

    @Label("Bytes Moved")
    @Description("Bytes of the entries that were copied out of the region")
    @DataAmount
    long bytesMoved;

    @Label("Bytes Freed")
    @Description("Bytes of the region, which can be used again after a checkpoint")
    @DataAmount
    long bytesFreed;

    @Label("Entries Dropped")
    @Description("Entries that were not copied, because they had expired or were evicted")
    int entriesDropped;

    @Label("Garbage Left")
    @Description("Bytes of the stripe's log that are still garbage")
    @DataAmount
    long garbageLeft;

    @Override
    void describe(Events.Clean what) {
        file = what.file().toString();
        stripe = what.stripe();
        region = what.region();
        bytesMoved = what.moved();
        bytesFreed = what.freed();
        entriesDropped = what.dropped();
        garbageLeft = what.garbage();
    }
}
