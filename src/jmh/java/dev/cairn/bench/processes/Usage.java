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
 * @param wall seconds by the clock
 * @param machine seconds of all processors, whoever used them. That includes what the kernel does
 *     for us in its own threads, such as write-back
 * @param ours seconds of processors that our processes used
 * @param compiler seconds of processors that the compiler of this JVM used, which are part of ours
 */
public record Usage(double wall, double machine, double ours, double compiler) {
    private static final Path STAT = Path.of("/proc/stat");
    private static final double TICKS_A_SECOND = 100;

    /** The places of busy time among user, nice, system, idle, iowait, irq, softirq and steal. */
    private static final List<Integer> BUSY = List.of(1, 2, 3, 6, 7, 8);

    /** What this process and those others have used. */
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

    /** How many processors others used since then, from 0 to all. */
    public double othersSince(Usage before) {
        double others = (machine - before.machine) - (ours - before.ours);
        return Math.max(0, others / (wall - before.wall));
    }

    /** How many processors the compiler used since then. */
    public double compilingSince(Usage before) {
        return (compiler - before.compiler) / (wall - before.wall);
    }
}
