package dev.cairn;

import dev.cairn.os.HostClock;

import java.time.Duration;

/** While it is open, the clocks of this process show what a test says. */
public final class SetClocks implements AutoCloseable {
    private Duration wall = Duration.ZERO;
    private Duration boot = Duration.ZERO;

    /** Lets time pass on both clocks. */
    public void pass(Duration time) {
        boot = boot.plus(time);
        setWall(time);
    }

    /** Sets the wall clock ahead or back by that much, as somebody might. */
    public void setWall(Duration by) {
        wall = wall.plus(by);
        HostClock.shift(wall, boot);
        long then = HostClock.bootMillis(); // a store looks once in a millisecond
        while (HostClock.bootMillis() == then) {
            Thread.onSpinWait();
        }
    }

    /** Starts the machine again: the clock of the boot begins anew. */
    public void reboot() {
        boot = boot.minusMillis(HostClock.bootMillis());
        HostClock.shift(wall, boot);
    }

    @Override
    public void close() {
        HostClock.shift(Duration.ZERO, Duration.ZERO);
    }
}
