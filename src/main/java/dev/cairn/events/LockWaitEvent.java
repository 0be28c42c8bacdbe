package dev.cairn.events;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;

import org.jspecify.annotations.Nullable;

@Name("dev.cairn.LockWait")
@Label("Lock Wait")
@Description("A thread waited for a lock of a store that another thread or process held")
@Threshold("1 ms")
final class LockWaitEvent extends StoreEvent<Events.LockWait> {
    @Label("Lock")
    @Nullable String lock;

    @Label("Stripe")
    @Description("The stripe whose lock it is; -1 for another lock")
    int stripe;

    @Label("Holder")
    @Description("Process ID of the last holder; 0 if it is not known")
    long holder;

    @Label("Holder Thread")
    @Description("The holder when the wait began, if it was a thread of this process")
    @Nullable Thread holderThread;

    @Label("Taken")
    @Description("Whether the thread got the lock; if not, the operation timed out")
    boolean taken;

    @Override
    void describe(Events.LockWait what) {
        file = what.file().toString();
        lock = what.lock();
        stripe = what.stripe();
        holder = what.holder();
        holderThread = what.thread();
        taken = what.taken();
    }
}
