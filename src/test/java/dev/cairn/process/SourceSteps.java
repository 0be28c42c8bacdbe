package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The steps that the sources name, so that no test of them forgets one. */
final class SourceSteps {
    /** Rounds of a wait: nothing is stored in them, and how many there are is chance. */
    private static final Set<String> WAITING = Set.of("L1", "L3");

    /** Of waiting, and of waking those that wait: nothing but asking and waking is stored in them. */
    private static final Pattern WAKING = Pattern.compile("[ABF]\\d+|W1[67].*");

    private static final Pattern CALL =
            Pattern.compile("Steps\\s*\\.\\s*at\\(\\s*(\"([^\"]*)\"\\s*\\))?");
    private static final Pattern OPENING = Pattern.compile("[CO]\\d? .*");
    private static final Pattern CHECKPOINT = Pattern.compile("P\\d+");

    /** Of checkpoints, those that a recovery and the last close take too. */
    private static final Pattern PUBLISHING = Pattern.compile("P([5-9]|10)");

    /** Between learning what a checkpoint names and copying it; nothing of the store is written. */
    private static final String BACKUP = "backup";

    /** No write of a sound store comes to it: see {@code EvictionHolesTest}. */
    private static final String DROP_OF_A_DAMAGED_STRIPE = "E7";

    private SourceSteps() {}

    /** All names; one that is not a literal could not be found, so there is none. */
    private static Set<String> all() throws IOException {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (Path source : sources.filter(file -> file.toString().endsWith(".java")).toList()) {
                Matcher calls = CALL.matcher(Files.readString(source));
                while (calls.find()) {
                    assertThat(calls.group(2)).as("a name in " + source).isNotNull();
                    names.add(calls.group(2));
                }
            }
        }
        return names;
    }

    /** Of a write, with what it claims, folds, cleans and lets grow. */
    static Set<String> ofWriting() throws IOException {
        Set<String> steps = all();
        steps.removeIf(OPENING.asMatchPredicate().or(CHECKPOINT.asMatchPredicate()));
        steps.removeIf(SourceSteps::isWaiting);
        steps.remove(BACKUP);
        steps.remove(DROP_OF_A_DAMAGED_STRIPE);
        return steps;
    }

    static boolean isWaiting(String step) {
        return WAITING.contains(step) || WAKING.matcher(step).matches();
    }

    /** Of creating, opening and closing. */
    static Set<String> ofOpening() throws IOException {
        Set<String> steps = all();
        steps.removeIf(OPENING.asMatchPredicate().or(PUBLISHING.asMatchPredicate()).negate());
        return steps;
    }

    static Set<String> ofCheckpoints() throws IOException {
        Set<String> steps = all();
        steps.removeIf(CHECKPOINT.asMatchPredicate().negate());
        return steps;
    }

    /** Of publishing a checkpoint while nobody writes. */
    static Set<String> ofPublishing() throws IOException {
        Set<String> steps = all();
        steps.removeIf(PUBLISHING.asMatchPredicate().negate());
        return steps;
    }
}
