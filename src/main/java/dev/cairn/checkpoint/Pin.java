package dev.cairn.checkpoint;

import static dev.cairn.format.SharedLayout.PIN_SLOTS;

import dev.cairn.LimitReached;
import dev.cairn.format.PinWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.lock.ProcessTable;
import dev.cairn.shared.SharedMemory;

import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/**
 * Keeps the regions of the durable checkpoint from being reused, however many checkpoints follow
 * it.
 *
 * <p>RULE 25: the pin is stored; then, after a full fence, the durable epoch is loaded once more. A
 * claimer loads the durable epoch before the pins. The regions of the pinned checkpoint die after
 * it. So a claimer takes one of them for free only if it loaded a later durable epoch. That epoch
 * was stored after the pinner's second load, hence the claimer sees the pin.
 */
public final class Pin implements AutoCloseable {
    private final SharedMemory shared;
    private final int at;
    private long epoch;

    private Pin(SharedMemory shared, int at) {
        this.shared = shared;
        this.at = at;
    }

    /**
     * Pins the durable checkpoint.
     *
     * @throws LimitReached if all pins are taken by live processes
     */
    public static Pin take(Path store, SharedMemory shared, ProcessTable processes) {
        for (int slot = 0; slot < PIN_SLOTS; slot++) {
            int at = SharedLayout.pinAt(slot);
            long holder = shared.acquire(at + PinWords.HOLDER);
            if ((holder == 0 || processes.dead(holder))
                    && Words.cas(shared.base(), at + PinWords.HOLDER, holder, processes.word())) {
                Pin pin = new Pin(shared, at);
                pin.again();
                return pin;
            }
        }
        throw new LimitReached(
                store,
                PIN_SLOTS,
                PIN_SLOTS
                        + " backups are running, which is the maximum; wait until one of them ends");
    }

    /** Moves the pin to the checkpoint that is durable now. */
    public void again() {
        do {
            epoch = shared.acquire(SharedLayout.DURABLE);
            shared.release(at + PinWords.EPOCH, epoch);
            VarHandle.fullFence();
        } while (shared.acquire(SharedLayout.DURABLE) != epoch);
    }

    public long epoch() {
        return epoch;
    }

    /** Frees the pins of dead processes; returns whether there were any. */
    static boolean dropDead(SharedMemory shared, ProcessTable processes) {
        boolean dropped = false;
        for (int slot = 0; slot < PIN_SLOTS; slot++) {
            int at = SharedLayout.pinAt(slot);
            long holder = shared.acquire(at + PinWords.HOLDER);
            if (holder != 0
                    && processes.dead(holder)
                    && Words.cas(shared.base(), at + PinWords.HOLDER, holder, processes.word())) {
                release(shared, at);
                dropped = true;
            }
        }
        return dropped;
    }

    private static void release(SharedMemory shared, int at) {
        shared.release(at + PinWords.EPOCH, 0);
        shared.release(at + PinWords.HOLDER, 0);
    }

    @Override
    public void close() {
        release(shared, at);
    }
}
