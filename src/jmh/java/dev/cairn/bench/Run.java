package dev.cairn.bench;

import dev.cairn.bench.report.Figure;
import dev.cairn.bench.report.Machine;
import dev.cairn.bench.report.Results;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A run of one set: how it is to be made, and its results so far. */
final class Run {
    private final String set;
    private final Path directory;
    private final boolean quick;
    private final Map<String, String> setting;
    private final List<Figure> figures = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();

    Run(String set, Path directory, boolean quick, Map<String, String> machine) {
        this.set = set;
        this.directory = directory;
        this.quick = quick;
        this.setting = new LinkedHashMap<>(machine);
        setting.put(Machine.QUICK, Boolean.toString(quick));
    }

    /** Where stores are made. */
    Path directory() {
        return directory;
    }

    /**
     * Picks the first value in a run that shows only that everything works, and the second
     * otherwise.
     */
    <T> T pick(T ofQuick, T otherwise) {
        return quick ? ofQuick : otherwise;
    }

    void note(String name, String value) {
        setting.put(name, value);
    }

    void add(Figure figure) {
        figures.add(figure);
    }

    /** Notes that the set failed. What else it measured is kept. */
    void fail(String why) {
        failures.add(set + ": " + why);
    }

    Results results() {
        return new Results(set, setting, figures);
    }

    List<String> failures() {
        return failures;
    }
}
