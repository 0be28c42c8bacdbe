package dev.cairn.cli.demo;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.Verification;
import dev.cairn.cli.Progress;
import dev.cairn.cli.Streams;
import dev.cairn.units.Units;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The comparison of every entry of a store with the file from which it came.
 *
 * @param equal the number of entries that agree byte for byte
 * @param wrong one sentence for each entry that does not agree, and for anything else that is wrong
 */
record Comparison(
        int equal, List<String> wrong, Stats stats, Verification verification, Recovery recovery) {
    private static final int WRONG_KEPT = 20;

    /**
     * @param edition what each entry should hold
     */
    static Comparison of(DemoSource source, Edition edition, Path file, Streams streams)
            throws IOException {
        List<String> wrong = new ArrayList<>();
        int equal = 0;
        try (CairnStore store = Cairn.open(file);
                Progress progress =
                        new Progress(streams, "compare", Progress.Unit.ENTRIES, source.size())) {
            for (int index = 0; index < source.size(); index++) {
                byte[] value = store.get(source.key(index));
                if (value != null && Arrays.equals(value, edition.of(source.bytes(index)))) {
                    equal++;
                } else if (wrong.size() < WRONG_KEPT) {
                    wrong.add(
                            source.name(index)
                                    + (value == null ? ": is missing" : ": has other bytes"));
                }
                progress.to(index + 1L);
            }
            if (store.size() != source.size()) {
                wrong.add("the store has " + store.size() + " entries, not " + source.size());
            }
            Verification verification = store.verify();
            wrong.addAll(verification.damages());
            return new Comparison(
                    equal, List.copyOf(wrong), store.stats(), verification, store.recovery());
        }
    }

    String checked() {
        return "%s records, %s of log: %s"
                .formatted(
                        Units.count(verification.records()),
                        Units.bytes(verification.bytes()),
                        verification.sound() ? "sound" : "DAMAGED");
    }

    boolean everyByteAgreed(DemoSource source) {
        return wrong.isEmpty() && equal == source.size();
    }
}
