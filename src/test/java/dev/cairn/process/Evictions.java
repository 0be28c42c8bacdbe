package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** What a cache must be after a process died while it evicted. Any entry may be gone. */
final class Evictions {
    private static final int MORE = 150;

    private Evictions() {}

    /**
     * Requires that each entry that is there is the one that was put last, and that the probe,
     * which was put just now, is there. Then puts so much more that all regions are evicted which
     * the dead process worked on.
     *
     * @param expected what was put last at each key
     */
    static void judge(CairnStore store, Scenario scenario, Map<String, byte[]> expected) {
        Map<String, byte[]> found = sound(store);
        assertThat(found).containsKey(Scenario.PROBE);
        assertThat(found).hasSizeGreaterThan(expected.size() / 2);
        found.forEach((key, value) -> assertThat(value).as(key).isEqualTo(expected.get(key)));
        for (int i = 0; i < MORE; i++) {
            Scenario.put(store, "next" + i, 500);
            assertThat(store.stats().dataFileBytes()).isLessThanOrEqualTo(Scenario.CACHE_BYTES);
        }
        scenario.play(store);
        assertThat(store.get(bytes(Scenario.TARGET))).isEqualTo(scenario.after());
        assertThat(sound(store)).hasSizeGreaterThan(MORE / 2);
    }

    /**
     * The content that the store shows. Its size must be the store's count, and the store must find
     * no damage.
     */
    private static Map<String, byte[]> sound(CairnStore store) {
        Map<String, byte[]> content = new TreeMap<>();
        store.forEach((key, value) -> content.put(new String(key, UTF_8), value));
        assertThat(store.size()).as("size").isEqualTo(content.size());
        assertThat(store.verify().damages()).isEmpty();
        return content;
    }

    /** Requires that the regions in use are exactly those that a recovery finds. */
    static void requireNoRegionLeft(Path file, Scenario scenario) throws IOException {
        long used;
        try (CairnStore store = Cairn.open(file, scenario.options())) {
            used = store.stats().regions() - store.stats().freeRegions();
        }
        Files.delete(SharedWords.of(file));
        try (CairnStore rebuilt = Cairn.open(file, scenario.options())) {
            assertThat(rebuilt.stats().regions() - rebuilt.stats().freeRegions())
                    .as("regions in use")
                    .isEqualTo(used);
            assertThat(rebuilt.verify().damages()).isEmpty();
        }
    }
}
