package dev.cairn.cli;

import dev.cairn.CairnStore;
import dev.cairn.CorruptStore;
import dev.cairn.Verification;
import dev.cairn.units.Units;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

@Command(
        name = "check",
        description =
                "Verifies every checksum and every invariant. The exit code is 3 if the"
                        + " store is damaged.")
final class Check extends StoreVerb {
    @Option(names = "--json", description = "Prints one JSON object.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        long start = System.nanoTime();
        Verification found = verify();
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        streams().print(json ? json(found, time) : text(found, time));
        return found.sound() ? ExitCode.OK : ExitCode.DAMAGED;
    }

    /** The verification of a store that is too damaged to open. */
    private record Unopened(List<String> damages) implements Verification {
        @Override
        public long entries() {
            return 0;
        }

        @Override
        public long records() {
            return 0;
        }

        @Override
        public long bytes() {
            return 0;
        }
    }

    private Verification verify() {
        try (CairnStore store = openToRead()) {
            return store.verify();
        } catch (CorruptStore e) {
            return new Unopened(List.of(String.valueOf(e.getMessage())));
        }
    }

    private String json(Verification found, Duration time) {
        return new JsonReport()
                        .put("file", file)
                        .put("sound", found.sound())
                        .putAll(found)
                        .put("time", time)
                + "\n";
    }

    private String text(Verification found, Duration time) {
        StringBuilder text = new StringBuilder();
        text.append(file).append(found.sound() ? ": sound: " : ": damaged: ");
        text.append(
                "%s, %s records, %s of log read in %s%n"
                        .formatted(
                                Units.entries(found.entries()),
                                Units.count(found.records()),
                                Units.bytes(found.bytes()),
                                Units.time(time)));
        if (found.uncomparedStripes() > 0) {
            text.append(
                    "  stripes not compared with the index, since others wrote or left a write: %s%n"
                            .formatted(Units.count(found.uncomparedStripes())));
        }
        found.damages().forEach(damage -> text.append("  ").append(damage).append('\n'));
        return text.toString();
    }
}
