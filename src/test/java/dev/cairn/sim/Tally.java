package dev.cairn.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What was covered. For each step it has how often power failed there, and how many disks that
 * left.
 */
final class Tally {
    private final Map<String, Integer> points = new TreeMap<>();
    private final Map<String, Integer> images = new TreeMap<>();
    private final List<List<String>> traces = new ArrayList<>();
    private final long start = System.nanoTime();

    /** Adds what happened on a machine. */
    synchronized void play(Machine machine) {
        machine.steps().forEach((step, times) -> points.merge(step, times, Integer::sum));
        traces.add(machine.trace().lines());
    }

    /** What happened on each machine, in its order. */
    synchronized List<List<String>> traces() {
        return List.copyOf(traces);
    }

    /** Adds an image that was noted at a place, whose text begins with the name of its step. */
    synchronized void image(String where) {
        int end = where.indexOf(" #");
        images.merge(end < 0 ? where : where.substring(0, end), 1, Integer::sum);
    }

    synchronized Set<String> steps() {
        return Set.copyOf(points.keySet());
    }

    /** How often a step was reached. */
    synchronized int times(String step) {
        return points.getOrDefault(step, 0);
    }

    synchronized int images() {
        return sum(images);
    }

    private static int sum(Map<String, Integer> numbers) {
        return numbers.values().stream().mapToInt(Integer::intValue).sum();
    }

    synchronized String report(String of) {
        return "%s: power failed at %d steps, %d disks judged, %.1f s%n  steps %s%n  disks %s"
                .formatted(
                        of,
                        sum(points),
                        sum(images),
                        (System.nanoTime() - start) / 1e9,
                        points,
                        images);
    }
}
