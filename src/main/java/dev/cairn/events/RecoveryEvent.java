package dev.cairn.events;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

import org.jspecify.annotations.Nullable;

@Name("dev.cairn.Recovery")
@Label("Recovery")
@Description(
        "A store was opened that its last process had not closed. The event lasts as"
                + " long as the opening, including waits for other processes")
final class RecoveryEvent extends StoreEvent<Events.Recovery> {
    @Label("Kind")
    @Description(
            "REPAIRED: nothing was lost; REBUILT, SNAPSHOT: the store is as of the last checkpoint")
    @Nullable String kind;

    @Label("Detail")
    @Description("What was found")
    @Nullable String detail;

    @Label("Epoch")
    @Description("Number of the checkpoint at which the store stood, or to which it went back")
    long epoch;

    @Label("Entries")
    @Description("Entries of the opened store")
    long entries;

    @Label("Bytes")
    @Description("Bytes of log that were read again; 0 unless the store was rebuilt")
    @DataAmount
    long bytes;

    @Label("Stripes Repaired")
    @Description("Stripes in which a dead process had left something to repair")
    int stripesRepaired;

    @Override
    void describe(Events.Recovery what) {
        file = what.file().toString();
        kind = what.kind();
        detail = what.detail();
        epoch = what.epoch();
        entries = what.entries();
        bytes = what.bytes();
        stripesRepaired = what.repaired();
    }
}
