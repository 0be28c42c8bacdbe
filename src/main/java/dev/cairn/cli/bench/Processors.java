package dev.cairn.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * Processor time that was used up to a moment, in seconds.
 *
 * @param wall the time of the wall clock
 * @param ours the processor time of this process
 * @param machine the processor time of the whole machine, including the kernel; empty if the system
 *     does not tell
 */
record Processors(double wall, double ours, OptionalDouble machine) {
    private static final Path STAT = Path.of("/proc/stat");
    private static final double TICKS_A_SECOND = 100;

    /** The fields that count as busy, of user, nice, system, idle, iowait, irq, softirq, steal. */
    private static final List<Integer> BUSY = List.of(1, 2, 3, 6, 7, 8);

    /** The use of processors between two moments; several such spans can be added. */
    record Used(double wall, double ours, OptionalDouble machine) {
        static final Used NOTHING = new Used(0, 0, OptionalDouble.of(0));

        Used plus(Used other) {
            OptionalDouble both =
                    machine.isPresent() && other.machine.isPresent()
                            ? OptionalDouble.of(machine.getAsDouble() + other.machine.getAsDouble())
                            : OptionalDouble.empty();
            return new Used(wall + other.wall, ours + other.ours, both);
        }

        /** How many processors this process had on average. */
        double received() {
            return wall == 0 ? 0 : ours / wall;
        }

        /** How many processors others had on average; empty if the system does not tell. */
        OptionalDouble foreign() {
            return machine.isEmpty() || wall == 0
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(Math.max(0, (machine.getAsDouble() - ours) / wall));
        }
    }

    static Processors now() {
        Duration ours = ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
        return new Processors(System.nanoTime() / 1e9, ours.toNanos() / 1e9, machineSeconds());
    }

    Used since(Processors before) {
        OptionalDouble all =
                machine.isPresent() && before.machine.isPresent()
                        ? OptionalDouble.of(machine.getAsDouble() - before.machine.getAsDouble())
                        : OptionalDouble.empty();
        return new Used(wall - before.wall, ours - before.ours, all);
    }

    private static OptionalDouble machineSeconds() {
        try (Stream<String> lines = Files.lines(STAT)) {
            String[] words = lines.findFirst().orElse("").strip().split(" +", -1);
            long ticks = BUSY.stream().mapToLong(i -> Long.parseLong(words[i])).sum();
            return OptionalDouble.of(ticks / TICKS_A_SECOND);
        } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException _) {
            return OptionalDouble.empty(); // another system than Linux, or one that hides it
        }
    }
}
