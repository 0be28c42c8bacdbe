package dev.cairn.events;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

import org.jspecify.annotations.Nullable;

@Name("dev.cairn.Takeover")
@Label("Takeover")
@Description(
        "A lock was taken over from a process that died while it held it, or after an"
                + " error left it")
final class TakeoverEvent extends StoreEvent<Events.Takeover> {
    @Label("Lock")
    @Nullable String lock;

    @Label("Stripe")
    @Description("The stripe whose lock it is; -1 for another lock")
    int stripe;

    @Label("Holder")
    @Description(
            "Process ID of the former holder; 0 if it is not known, or if here another"
                    + " process may have that ID")
    long holder;

    @Label("Left By")
    @Description("Who left the lock behind")
    @Nullable String leftBy;

    @Label("Repaired")
    @Description("Whether a write had to be completed or undone")
    boolean repaired;

    @Override
    void describe(Events.Takeover what) {
        file = what.file().toString();
        lock = what.lock();
        stripe = what.stripe();
        holder = what.holder();
        leftBy = what.left();
        repaired = what.repaired();
    }
}
