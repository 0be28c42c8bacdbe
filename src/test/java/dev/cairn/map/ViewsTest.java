package dev.cairn.map;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.codec.Codec;
import dev.cairn.codec.Codecs;
import dev.cairn.codec.Input;
import dev.cairn.codec.Output;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Attacks the views of a map: what they show and compare. */
@Timeout(600)
class ViewsTest {
    @TempDir Path directory;

    private Path file() {
        return directory.resolve("map.cairn");
    }

    /** A map with an entry at the key a, and with an expired entry that is still counted. */
    private CairnMap<String, Long> withExpired() throws InterruptedException {
        CairnMap<String, Long> map = Maps.longs().open(file());
        map.set("gone", 2L, Duration.ofMillis(1));
        map.put("a", 1L);
        Maps.awaitExpiry(map, "gone");
        return map;
    }

    @Test
    void streamsShowNothingThatExpired() throws InterruptedException {
        try (CairnMap<String, Long> map = withExpired()) {
            assertThat(map.keySet().stream().count()).isEqualTo(1);
            assertThat(map.keySet().stream().toList()).containsExactly("a");
            assertThat(map.values().stream().toList()).containsExactly(1L);
            assertThat(map.entrySet().stream().toList()).containsExactly(Map.entry("a", 1L));
            assertThat(map.keySet().parallelStream().toList()).containsExactly("a");
        }
    }

    @Test
    void whatExpiredMakesNoDifference() throws InterruptedException {
        try (CairnMap<String, Long> map = withExpired()) {
            Map<String, Long> same = Map.of("a", 1L);
            assertThat(map.equals(same)).isTrue();
            assertThat(map.keySet().equals(same.keySet())).isTrue();
            assertThat(map.entrySet().equals(same.entrySet())).isTrue();
            assertThat(map).hasSameHashCodeAs(same);
        }
    }

    @Test
    void anotherEntryMakesADifference() throws InterruptedException {
        try (CairnMap<String, Long> map = withExpired()) {
            for (Map<String, Long> other :
                    List.of(Map.<String, Long>of(), Map.of("a", 2L), Map.of("a", 1L, "gone", 2L))) {
                assertThat(map.equals(other)).isFalse();
                assertThat(map.entrySet().equals(other.entrySet())).isFalse();
            }
            assertThat(map.keySet().equals(Set.of("gone"))).isFalse();
        }
    }

    @Test
    void keysAreRemovedByTheirBytesHoweverManyThereAre() {
        try (CairnMap<byte[], Long> map =
                Cairn.map(Codecs.bytes(), Codecs.int64()).options(Maps.SMALL).open(file())) {
            map.put(new byte[] {1}, 1L);
            assertThat(map.keySet().removeAll(List.of(new byte[] {1}))).isTrue();
            map.put(new byte[] {1}, 1L);
            map.put(new byte[] {2}, 2L);
            assertThat(map.keySet().removeAll(List.of(new byte[] {1}))).isTrue();
            assertThat(map.keySet().removeAll(List.of(new byte[] {1}))).isFalse();
            assertThat(map.values()).containsExactly(2L);
        }
    }

    /** Whoever logs a map, or sees it in a debugger, must not read the store by that. */
    @Test
    void textNamesTheStoreAndReadsNothing() {
        CairnMap<String, Long> map =
                Cairn.map(Codecs.utf8(), unreadable()).options(Maps.SMALL).open(file());
        map.set("a", 1L);
        List<Object> shown = List.of(map, map.keySet(), map.values(), map.entrySet(), map.store());
        assertThat(shown)
                .allSatisfy(each -> assertThat(each.toString()).contains(file().toString()));
        map.close();
        assertThat(shown)
                .allSatisfy(each -> assertThat(each.toString()).contains(file().toString()));
    }

    private static Codec<Long> unreadable() {
        return new Codec<>() {
            @Override
            public void encode(Long value, Output to) {
                to.int64(value);
            }

            @Override
            public Long decode(Input from) {
                throw new AssertionError("nobody reads values here");
            }
        };
    }
}
