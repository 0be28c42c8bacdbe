package dev.cairn.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.StringTokenizer;

/**
 * The two clocks of the machine: the wall clock, which people and network time may set at will, and
 * the clock of the boot, which only runs forward. All processes of a boot read the same time from
 * each.
 */
public final class HostClock {
    private static final long NANOS_PER_MILLI = 1_000_000;

    /** The offset that a time namespace, such as that of a container, adds to the boot's clock. */
    private static final long NAMESPACE_NANOS = namespaceNanos();

    private static volatile long wallShiftMillis;
    private static volatile long bootShiftMillis;

    private HostClock() {}

    /** Milliseconds since 1970, by the wall clock. */
    public static long wallMillis() {
        long millis = Steps.wallMillis();
        return Steps.ON ? millis + wallShiftMillis : millis;
    }

    /**
     * Milliseconds since the machine was started, or since another fixed time if the system counts
     * so.
     */
    public static long bootMillis() {
        long millis = (Steps.nanoTime() - NAMESPACE_NANOS) / NANOS_PER_MILLI;
        return Steps.ON ? millis + bootShiftMillis : millis;
    }

    /**
     * Sets both clocks of this process ahead, for tests; has no effect unless {@link Steps#ON}.
     */
    public static void shift(Duration wall, Duration boot) {
        wallShiftMillis = wall.toMillis();
        bootShiftMillis = boot.toMillis();
    }

    private static long namespaceNanos() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/timens_offsets"))) {
                var words = new StringTokenizer(line);
                if (words.countTokens() == 3 && words.nextToken().equals("monotonic")) {
                    long seconds = Long.parseLong(words.nextToken());
                    return Duration.ofSeconds(seconds, Long.parseLong(words.nextToken())).toNanos();
                }
            }
        } catch (IOException | NumberFormatException | ArithmeticException _) {
            return 0; // a system without time namespaces
        }
        return 0;
    }
}
