package dev.cairn.bench.processes;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;

/**
 * What was used up to a moment, in seconds.
 *
 * @param wall by the clock
 * @param machine of all processors, by whomever; what the kernel does in threads of its own, as
 *     writing back for us, is in it
 * @param ours of them, by our processes
 * @param compiler of ours, by the compiler of this JVM
 */
public record Usage(double wall, double machine, double ours, double compiler) {
    private static final Path STAT = Path.of("/proc/stat");
    private static final double TICKS_A_SECOND = 100;

    /** Of user, nice, system, idle, iowait, irq, softirq, steal. */
    private static final List<Integer> BUSY = List.of(1, 2, 3, 6, 7, 8);

    /** Of this process and those others. */
    public static Usage now(List<ProcessHandle> others) throws IOException {
        double ours = seconds(ProcessHandle.current());
        for (ProcessHandle other : others) {
            ours += seconds(other);
        }
        double compiler = ManagementFactory.getCompilationMXBean().getTotalCompilationTime() / 1e3;
        return new Usage(System.nanoTime() / 1e9, machineSeconds(), ours, compiler);
    }

    private static double seconds(ProcessHandle process) {
        return process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos() / 1e9;
    }

    private static double machineSeconds() throws IOException {
        try (var lines = Files.lines(STAT)) {
            Iterator<String> all = lines.iterator();
            String[] words = all.next().trim().split(" +", -1);
            return BUSY.stream().mapToLong(i -> Long.parseLong(words[i])).sum() / TICKS_A_SECOND;
        }
    }

    /** Processors that others used since then, 0 to all of them. */
    public double othersSince(Usage before) {
        double others = (machine - before.machine) - (ours - before.ours);
        return Math.max(0, others / (wall - before.wall));
    }

    /** Processors that the compiler used since then. */
    public double compilingSince(Usage before) {
        return (compiler - before.compiler) / (wall - before.wall);
    }
}
