package dev.cairn.bench.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The figures of one set of benchmarks, and how they were taken. They are kept as a JSON file.
 *
 * @param set the name of the set, as {@code tools/bench} knows it
 * @param setting what the set was run with, and the machine: names and values in the order in which
 *     they are shown
 * @param figures the figures in the order in which they are shown
 */
public record Results(String set, Map<String, String> setting, List<Figure> figures) {
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** Writes the results to a file, which replaces an older one. */
    public void write(Path file) throws IOException {
        if (file.getParent() != null) {
            Files.createDirectories(file.getParent());
        }
        JSON.writeValue(file.toFile(), this);
    }

    public static Results read(Path file) throws IOException {
        return JSON.readValue(file.toFile(), Results.class);
    }

    /** The figure of a contender in a case. Empty if that was not measured. */
    public Optional<Figure> figure(String what, String contender) {
        return figures.stream()
                .filter(figure ->
                        figure.what().equals(what) && figure.contender().equals(contender))
                .findFirst();
    }
}
