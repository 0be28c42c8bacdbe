package dev.cairn;

import dev.cairn.os.Steps;

import java.util.function.LongUnaryOperator;

/** Says how long threads that wait really pause. */
public final class Pauses {
    private Pauses() {}

    /**
     * Asks from now on, until others listen to the steps.
     *
     * @param asked gets the nanoseconds that were asked for, and gives those to sleep
     */
    public static void listen(LongUnaryOperator asked) {
        Steps.listen(
                new Steps.Listener() {
                    @Override
                    public void at(String step) {}

                    @Override
                    public long pause(long nanos) {
                        return asked.applyAsLong(nanos);
                    }
                });
    }
}
