package dev.cairn.engine;

import dev.cairn.Recovery.Kind;
import dev.cairn.engine.FuzzedStore.Entry;
import dev.cairn.engine.FuzzedUse.Answer;
import dev.cairn.engine.Mutant.Oracle;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Decides what a store should have answered after its files were changed. */
final class FuzzJudge {
    private static final int MOST_LISTED = 6;

    /**
     * CREATED is among these, since a forged open block may say that nobody ever had the store
     * open.
     */
    private static final Set<Kind> RECOVERED =
            EnumSet.of(Kind.REBUILT, Kind.SNAPSHOT, Kind.CREATED);

    private final FuzzedStore store;
    private final @Nullable FuzzedStore other;
    private final Mutant mutant;

    /**
     * Judges one case.
     *
     * @param other the store whose files were mixed with those of the first
     */
    FuzzJudge(FuzzedStore store, @Nullable FuzzedStore other, Mutant mutant) {
        this.store = store;
        this.other = other;
        this.mutant = mutant;
    }

    /** What is wrong with the answers. */
    List<String> complaints(FuzzedUse use) {
        List<Answer> answers = use.answers();
        if (mutant.oracle() == Oracle.HISTORY) {
            return listed(
                    "never was", answers.stream().filter(answer -> !everWas(answer)).toList());
        }
        List<Answer> unlike = unlikeAnyState(answers, use.kind());
        if (unlike.isEmpty()
                || mutant.oracle() == Oracle.STRICT
                || mutant.oracle() == Oracle.RECORDS) {
            return listed("is not so", unlike);
        }
        List<Answer> never = answers.stream().filter(answer -> !everWas(answer)).toList();
        return use.told()
                ? listed("never was", never)
                : listed("is not so, and nothing tells", unlike);
    }

    /**
     * The answers that no state of the store explains. Of the states that it may be in, the one
     * counts that leaves the fewest answers.
     */
    private List<Answer> unlikeAnyState(List<Answer> answers, @Nullable Kind kind) {
        List<Answer> least = null;
        for (Map<Integer, Entry> state : states(kind)) {
            List<Answer> unlike =
                    answers.stream()
                            .filter(answer -> judged(answer) && !answer.fits(state))
                            .toList();
            if (least == null || unlike.size() < least.size()) {
                least = unlike;
            }
        }
        return least == null ? List.of() : least;
    }

    private List<Map<Integer, Entry>> states(@Nullable Kind kind) {
        List<Map<Integer, Entry>> states = new ArrayList<>();
        for (FuzzedStore each : other == null ? List.of(store) : List.of(store, other)) {
            states.add(each.present());
            if (kind != null && RECOVERED.contains(kind)) {
                states.addAll(each.cuts());
            }
        }
        return states;
    }

    /**
     * Whether an answer can be judged. Nothing can be said of forged records, nor of how many there
     * are then.
     */
    private boolean judged(Answer answer) {
        return mutant.oracle() != Oracle.RECORDS
                || answer.number() != Answer.COUNT
                        && answer.number() != Integer.MAX_VALUE
                        && !mutant.forgedKeys().contains(answer.number());
    }

    private boolean everWas(Answer answer) {
        if (answer.number() == Answer.COUNT
                || !answer.present()
                || mutant.forgedKeys().contains(answer.number())
                || answer.number() == Integer.MAX_VALUE && !mutant.forgedKeys().isEmpty()) {
            return true;
        }
        return store.ever(answer.number()).stream().anyMatch(answer::fits)
                || other != null && other.ever(answer.number()).stream().anyMatch(answer::fits);
    }

    private static List<String> listed(String what, List<Answer> answers) {
        return answers.stream()
                .limit(MOST_LISTED)
                .map(answer -> "%s (of %d): %s".formatted(what, answers.size(), answer))
                .toList();
    }
}
