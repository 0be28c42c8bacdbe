package dev.cairn.bench.messages;

import dev.cairn.bench.processes.Usage;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What this process has used up to a moment.
 *
 * @param switches for each thread, its switches to other threads
 */
record Meter(Usage usage, Map<String, Switches> switches) {
    private static final Path THREADS = Path.of("/proc/self/task");

    /**
     * Context switches.
     *
     * @param voluntary those because a thread waited
     * @param involuntary those because its time was over
     */
    record Switches(long voluntary, long involuntary) {}

    static Meter now() throws IOException {
        Map<String, Switches> switches = new HashMap<>();
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(THREADS)) {
            for (Path thread : threads) {
                try {
                    switches.put(thread.getFileName().toString(), of(thread));
                } catch (IOException e) {
                    if (Files.exists(thread)) {
                        throw e;
                    }
                }
            }
        }
        return new Meter(Usage.now(List.of()), switches);
    }

    private static Switches of(Path thread) throws IOException {
        long voluntary = 0;
        long involuntary = 0;
        for (String line : Files.readAllLines(thread.resolve("status"))) {
            String[] words = line.split("\\s+", -1);
            switch (words[0]) {
                case "voluntary_ctxt_switches:" -> voluntary = Long.parseLong(words[1]);
                case "nonvoluntary_ctxt_switches:" -> involuntary = Long.parseLong(words[1]);
                default -> {}
            }
        }
        return new Switches(voluntary, involuntary);
    }

    /** The switches since then, of the threads that are still there. */
    Switches switchesSince(Meter before) {
        long voluntary = 0;
        long involuntary = 0;
        for (Map.Entry<String, Switches> thread : switches.entrySet()) {
            Switches earlier = before.switches.getOrDefault(thread.getKey(), new Switches(0, 0));
            voluntary += thread.getValue().voluntary - earlier.voluntary;
            involuntary += thread.getValue().involuntary - earlier.involuntary;
        }
        return new Switches(voluntary, involuntary);
    }
}
