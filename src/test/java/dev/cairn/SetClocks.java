package dev.cairn;

import dev.cairn.os.HostClock;

import java.time.Duration;

/** While open, the clocks of this process are what a test says. */
public final class SetClocks implements AutoCloseable {
    private Duration wall = Duration.ZERO;
    private Duration boot = Duration.ZERO;

    /** Time passes, by both clocks. */
    public void pass(Duration time) {
        boot = boot.plus(time);
        setWall(time);
    }

    /** Somebody sets the wall clock by that much: ahead, or back. */
    public void setWall(Duration by) {
        wall = wall.plus(by);
        HostClock.shift(wall, boot);
        long then = HostClock.bootMillis(); // a store looks at the wall clock once in a millisecond
        while (HostClock.bootMillis() == then) {
            Thread.onSpinWait();
        }
    }

    /** The machine is started again: the clock of the boot begins anew. */
    public void reboot() {
        boot = boot.minusMillis(HostClock.bootMillis());
        HostClock.shift(wall, boot);
    }

    @Override
    public void close() {
        HostClock.shift(Duration.ZERO, Duration.ZERO);
    }
}
