package dev.cairn.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.StringTokenizer;

/**
 * The two clocks of the machine: the wall clock, which people and network time set as they like, and
 * the clock of the boot, which only runs. All processes of a boot read the same of either.
 */
public final class HostClock {
    private static final long NANOS_PER_MILLI = 1_000_000;

    /** What a time namespace adds to the boot's clock of the processes in it, a container's say. */
    private static final long NAMESPACE_NANOS = namespaceNanos();

    private static volatile long wallShiftMillis;
    private static volatile long bootShiftMillis;

    private HostClock() {}

    /** Milliseconds since 1970, by the wall clock. */
    public static long wallMillis() {
        long millis = Steps.wallMillis();
        return Steps.ON ? millis + wallShiftMillis : millis;
    }

    /** Milliseconds since the machine was started or, where the system counts otherwise, since then. */
    public static long bootMillis() {
        long millis = (Steps.nanoTime() - NAMESPACE_NANOS) / NANOS_PER_MILLI;
        return Steps.ON ? millis + bootShiftMillis : millis;
    }

    /** Sets both clocks of this process ahead, for tests; without effect unless {@link Steps#ON}. */
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
