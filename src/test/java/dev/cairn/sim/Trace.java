package dev.cairn.sim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What happened on a machine: each step and who took it, and each disk that was noted. */
final class Trace {
    private final List<String> lines = new ArrayList<>();

    synchronized void step(String who, String name) {
        lines.add(who + name);
    }

    synchronized void disk(Crash crash) {
        int hash = crash.data() == null ? 0 : Arrays.deepHashCode(crash.data().pages());
        lines.add("%s: %08x, seed %d".formatted(crash.where(), hash, crash.seed()));
    }

    synchronized List<String> lines() {
        return List.copyOf(lines);
    }
}
