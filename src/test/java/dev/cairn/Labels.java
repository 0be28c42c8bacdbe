package dev.cairn;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toCollection;
import static java.util.stream.Collectors.toSet;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The labels of steps (W5, X3a), assumptions and invariants. A label is defined by a row of a table
 * whose first column is called step, assumption or invariant. The row begins with the label, which
 * may be followed by a case ({@code O4 clean}). All rows of a label must stand in one table, and no
 * two may have the same first cell.
 */
final class Labels {
    private static final String STEP = "[A-Z]\\d{1,2}[a-z]?";
    private static final Pattern STEP_CITED = Pattern.compile("\\b" + STEP + "\\b(?!-)");

    private static final String NUMBER = "\\d+[a-z]?";
    private static final Pattern NUMBER_CITED = Pattern.compile(NUMBER);
    private static final Pattern NUMBERED =
            Pattern.compile(
                    "(ASSUMPTION|INVARIANT)S?\\s+(%1$s(?:(?:,| and| to|, and) %1$s)*)"
                            .formatted(NUMBER));

    private static final Pattern LABEL =
            Pattern.compile("(?:" + STEP + "|(?:ASSUMPTION|INVARIANT) " + NUMBER + ")(?= |$)");
    private static final Set<String> COLUMNS = Set.of("step", "assumption", "invariant");

    /** Names in code are no labels. */
    private static final Pattern CODE = Pattern.compile("(?s)```.*?```|`[^`]*`");

    /** The tables of this document have bytes in hexadecimal, and it cites no step. */
    private static final Path HEXADECIMAL = Path.of("docs/codecs.md");

    /**
     * What a text defines and cites. Definitions are first cells, with the lines at which their
     * tables begin.
     */
    private record Content(
            Map<String, Integer> definitions, List<String> again, Set<String> cited) {
        static Content of(String text) {
            Map<String, Integer> definitions = new TreeMap<>();
            List<String> again = new ArrayList<>();
            List<String> lines = text.lines().toList();
            int table = 0;
            boolean defines = false;
            for (int at = 0; at < lines.size(); at++) {
                String line = lines.get(at);
                if (!line.startsWith("|")) {
                    continue;
                }
                String cell = firstCell(line);
                if (at == 0 || !lines.get(at - 1).startsWith("|")) {
                    table = at + 1;
                    defines = COLUMNS.contains(cell);
                } else if (defines
                        && LABEL.matcher(cell).lookingAt()
                        && definitions.putIfAbsent(cell, table) != null) {
                    again.add(labelOf(cell));
                }
            }
            return new Content(definitions, again, Labels.cited(CODE.matcher(text).replaceAll("")));
        }
    }

    private final Map<Path, Set<String>> citedBySources = new TreeMap<>();

    /**
     * What each text contains. It is kept, since texts are asked about again and again, with one of
     * them changed.
     */
    private final Map<String, Content> contents = new HashMap<>();

    Labels(Map<Path, String> sources) {
        sources.forEach((file, text) -> citedBySources.put(file, cited(text)));
    }

    /** What is wrong with the labels, in whole sentences. Empty if nothing is. */
    List<String> faults(Map<Path, String> documents) {
        List<String> faults = new ArrayList<>();
        Map<String, Set<String>> tables = new TreeMap<>();
        documents.forEach((file, text) -> {
            Content content = content(text);
            content.definitions.forEach((cell, table) ->
                    tables.computeIfAbsent(labelOf(cell), _ -> new TreeSet<>())
                            .add(file + ":" + table));
            content.again.forEach(
                    label -> faults.add(label + " is defined twice in one table of " + file));
        });
        tables.forEach((label, where) -> {
            if (where.size() > 1) {
                faults.add(label + " is defined in more than one table: " + where);
            }
        });
        documents.forEach((file, text) -> {
            if (!file.equals(HEXADECIMAL)) {
                addUndefined(file, content(text).cited, tables.keySet(), faults);
            }
        });
        citedBySources.forEach((file, cited) -> addUndefined(file, cited, tables.keySet(), faults));
        return faults;
    }

    Set<String> defined(Map<Path, String> documents) {
        return documents.values().stream()
                .flatMap(text -> content(text).definitions.keySet().stream())
                .map(Labels::labelOf)
                .collect(toCollection(TreeSet::new));
    }

    /** The text without the rows that define the label. */
    String without(String label, String text) {
        Set<String> cells =
                content(text).definitions.keySet().stream()
                        .filter(cell -> labelOf(cell).equals(label))
                        .collect(toSet());
        return cells.isEmpty()
                ? text
                : text.lines()
                        .filter(line -> !line.startsWith("|") || !cells.contains(firstCell(line)))
                        .collect(joining("\n", "", "\n"));
    }

    private Content content(String text) {
        return contents.computeIfAbsent(text, Content::of);
    }

    private static void addUndefined(
            Path file, Set<String> cited, Set<String> defined, List<String> faults) {
        cited.stream()
                .filter(label -> !defined.contains(label))
                .forEach(label -> faults.add(file + ": " + label + " is defined nowhere"));
    }

    private static Set<String> cited(String text) {
        Set<String> cited = new TreeSet<>();
        STEP_CITED.matcher(text).results().map(MatchResult::group).forEach(cited::add);
        NUMBERED.matcher(text)
                .results()
                .forEach(citation ->
                        NUMBER_CITED
                                .matcher(citation.group(2))
                                .results()
                                .forEach(number ->
                                        cited.add(citation.group(1) + " " + number.group())));
        return cited;
    }

    private static String firstCell(String line) {
        return line.substring(1, line.indexOf('|', 1)).strip();
    }

    private static String labelOf(String definition) {
        return LABEL.matcher(definition).results().findFirst().orElseThrow().group();
    }
}
