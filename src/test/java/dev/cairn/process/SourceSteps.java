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

/** The steps that the sources name. They are read from the sources, so that no test forgets one. */
final class SourceSteps {
    /** Rounds of waiting. Nothing is stored in them, and chance decides how many there are. */
    private static final Set<String> WAITING = Set.of("L1", "L3");

    /**
     * The steps of waiting and of waking those that wait. They only ask and wake, and store nothing
     * else.
     */
    private static final Pattern WAKING = Pattern.compile("[ABF]\\d+|W1[67].*");

    private static final Pattern CALL =
            Pattern.compile("Steps\\s*\\.\\s*at\\(\\s*(\"([^\"]*)\"\\s*\\))?");
    private static final Pattern OPENING = Pattern.compile("[CO]\\d? .*");
    private static final Pattern CHECKPOINT = Pattern.compile("P\\d+");

    /** The steps of checkpoints that a recovery and the last close take too. */
    private static final Pattern PUBLISHING = Pattern.compile("P([5-9]|10)");

    /**
     * The step between learning what a checkpoint names and copying it. Nothing of the store is
     * written there.
     */
    private static final String BACKUP = "backup";

    /** No write of a sound store reaches this step; see {@code EvictionHolesTest}. */
    private static final String DROP_OF_A_DAMAGED_STRIPE = "E7";

    private SourceSteps() {}

    /** The names of all steps. Fails if a name is no literal, since it could not be found. */
    private static Set<String> all() throws IOException {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (Path source : sources.filter(file -> file.toString().endsWith(".java")).toList()) {
                Matcher calls = CALL.matcher(Files.readString(source));
                while (calls.find()) {
                    assertThat(calls.group(2)).as("a literal name in " + source).isNotNull();
                    names.add(calls.group(2));
                }
            }
        }
        return names;
    }

    /** The steps of a write, including what it claims, folds, cleans and grows. */
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

    /** The steps of creating, opening and closing a store. */
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

    /** The steps of publishing a checkpoint while nobody writes. */
    static Set<String> ofPublishing() throws IOException {
        Set<String> steps = all();
        steps.removeIf(PUBLISHING.asMatchPredicate().negate());
        return steps;
    }
}
