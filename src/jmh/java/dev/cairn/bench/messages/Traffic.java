package dev.cairn.bench.messages;

import org.HdrHistogram.Histogram;

/**
 * What the two processes say to each other: messages of the warm-up, messages that are measured,
 * and a last one.
 */
final class Traffic {
    private static final int DIGITS = 3;

    /**
     * How many small messages are sent between two looks at the clock. Round trips take longer, so
     * there are fewer of these.
     */
    private static final int BETWEEN_LOOKS = 64;

    private static final int ROUND_TRIPS_BETWEEN_LOOKS = 8;

    private static final int SMALL_BYTES = 16 << 10;

    private final End end;
    private final Direction direction;
    private final int betweenLooks;
    private final double warmup;
    private final double seconds;
    private final Histogram roundTrips = new Histogram(DIGITS);

    /** The number of the next message. */
    private long sequence;

    private Phase received = Phase.WARM_UP;

    Traffic(End end, int bytes, Direction direction, double warmup, double seconds) {
        this.end = end;
        this.direction = direction;
        int small = direction == Direction.ONE_WAY ? BETWEEN_LOOKS : ROUND_TRIPS_BETWEEN_LOOKS;
        this.betweenLooks = bytes <= SMALL_BYTES ? small : 1;
        this.warmup = warmup;
        this.seconds = seconds;
    }

    /** Does what the process does that sends first. */
    Report first() throws Exception {
        Meter _ = Meter.now(); // loads classes, which would delay the measured messages
        go(Phase.WARM_UP, warmup);
        long start = sequence;
        if (direction == Direction.PING_PONG) {
            roundTrip(Phase.MEASURED); // the other process begins to measure
            roundTrips.reset();
        }
        Meter before = Meter.now();
        go(Phase.MEASURED, seconds);
        Meter after = Meter.now();
        long measured = sequence - start;
        end.send(sequence, Phase.END);
        if (direction == Direction.PING_PONG) {
            end.receive(sequence);
        }
        return Report.since(before, after, sequence, measured, percentile(50), percentile(99));
    }

    /** Half of a round trip in microseconds, or 0 if there are none. */
    private double percentile(double percent) {
        return roundTrips.getValueAtPercentile(percent) / 2e3;
    }

    private void go(Phase phase, double howLong) throws Exception {
        long start = System.nanoTime();
        do {
            if (direction == Direction.ONE_WAY) {
                sendSome(phase);
            } else {
                roundTrips(phase);
            }
        } while (System.nanoTime() - start < howLong * 1e9);
    }

    private void sendSome(Phase phase) throws Exception {
        for (int i = 0; i < betweenLooks; i++) {
            end.send(sequence++, phase);
        }
    }

    private void roundTrips(Phase phase) throws Exception {
        long before = System.nanoTime();
        for (int i = 0; i < betweenLooks; i++) {
            roundTrip(phase);
            long now = System.nanoTime();
            roundTrips.recordValue(now - before);
            before = now;
        }
    }

    private void roundTrip(Phase phase) throws Exception {
        end.send(sequence, phase);
        end.receive(sequence);
        sequence++;
    }

    /** Does what the other process does. */
    Report second() throws Exception {
        Meter _ = Meter.now();
        takeAll(Phase.WARM_UP);
        Meter before = Meter.now();
        long start = sequence - 1; // the first measured one was received
        takeAll(Phase.MEASURED);
        Meter after = Meter.now();
        long total = sequence - 1; // without the last
        return Report.since(before, after, total, total - start, 0, 0);
    }

    /** Receives the messages of a phase, and the first of the next. */
    private void takeAll(Phase phase) throws Exception {
        while (received == phase) {
            takeSome(phase);
        }
    }

    private void takeSome(Phase phase) throws Exception {
        for (int i = 0; i < betweenLooks && received == phase; i++) {
            received = end.receive(sequence);
            if (direction == Direction.PING_PONG) {
                end.send(sequence, received);
            }
            sequence++;
        }
    }
}
