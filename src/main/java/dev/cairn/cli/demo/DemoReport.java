package dev.cairn.cli.demo;

import dev.cairn.cli.demo.DemoRun.Outcome;
import dev.cairn.cli.demo.Part.Figures;
import dev.cairn.units.Units;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** The closing table of the demo. */
record DemoReport(DemoSource source, Outcome outcome, Comparison comparison) {
    private static final String ROW = "%-22s %11s %9s %9s %9s %9s %10s %14s%n";

    List<String> wrong() {
        List<String> wrong = new ArrayList<>(outcome.wrong());
        wrong.addAll(comparison.wrong());
        return wrong;
    }

    boolean everyByteAgreed() {
        return outcome.wrong().isEmpty() && comparison.everyByteAgreed(source);
    }

    String text() {
        StringBuilder text = new StringBuilder("\n");
        text.append(
                ROW.formatted(
                        "process",
                        "operations",
                        "per second",
                        "median",
                        "99 %",
                        "99.9 %",
                        "longest",
                        "since the kill"));
        outcome.parts().forEach(part -> text.append(row(part)));
        text.append('\n');
        line(text, "entries", Units.count(source.size()));
        line(text, "bytes", Units.bytes(source.totalBytes()));
        line(text, "writes", rate(part -> part.role() == Part.Role.WRITER));
        line(text, "lookups", rate(part -> part.role() == Part.Role.READER) + lookupsCompared());
        line(text, "the kill", heldUp());
        line(text, "files", files());
        line(text, "checked", comparison.checked());
        line(
                text,
                "compared",
                "%s of %s entries are equal, byte for byte"
                        .formatted(Units.count(comparison.equal()), Units.count(source.size())));
        wrong().forEach(sentence -> line(text, "WRONG", sentence));
        line(text, "verdict", everyByteAgreed() ? "every byte agreed" : "FAILED");
        return text.toString();
    }

    private String row(Part part) {
        Figures f = part.figures();
        String name = part.child().name();
        if (f == null) {
            return ROW.formatted(name, "killed", "", "", "", "", "", "").stripTrailing() + "\n";
        }
        long since = part.longestSince(outcome.kill().micros());
        return ROW.formatted(
                name,
                Units.count(f.operations()),
                Units.count(perSecond(f)),
                nanos(f.p50()),
                nanos(f.p99()),
                nanos(f.p999()),
                nanos(f.longest()),
                since == 0 ? "under 1 ms" : nanos(since));
    }

    private String rate(Predicate<Part> which) {
        long operations = 0;
        long perSecond = 0;
        for (Part part : outcome.parts()) {
            Figures f = part.figures();
            if (f != null && which.test(part)) {
                operations += f.operations();
                perSecond += perSecond(f);
            }
        }
        return "%s, %s per second in all"
                .formatted(Units.count(operations), Units.count(perSecond));
    }

    private String lookupsCompared() {
        long compared = outcome.parts().stream().mapToLong(Part::compared).sum();
        return "; " + Units.count(compared) + " values found and compared with their files";
    }

    /**
     * How long survivors were held up: the longest operation of each since the kill is a bound for
     * it.
     */
    private String heldUp() {
        long longest =
                outcome.parts().stream()
                        .filter(part -> part.figures() != null)
                        .mapToLong(part -> part.longestSince(outcome.kill().micros()))
                        .max()
                        .orElse(0);
        long takeovers = outcome.parts().stream().mapToLong(Part::takeovers).sum();
        return ("no process waited longer than %s; locks taken over from the dead"
                        + " process: %d; its successor was at work after %s")
                .formatted(
                        longest == 0 ? "1 ms" : nanos(longest),
                        takeovers,
                        nanos(outcome.kill().away()));
    }

    private String files() {
        return "data %s, shared memory %s"
                .formatted(
                        Units.bytes(comparison.stats().dataFileBytes()),
                        Units.bytes(comparison.stats().sharedMemoryFileBytes()));
    }

    private static long perSecond(Figures f) {
        return Math.round(f.operations() * 1e9 / Math.max(f.elapsed(), 1));
    }

    private static String nanos(long nanos) {
        return Units.time(Duration.ofNanos(nanos));
    }

    static void line(StringBuilder text, String name, String value) {
        text.append("%-10s%s%n".formatted(name, value));
    }
}
