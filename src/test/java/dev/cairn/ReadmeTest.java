package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/** Guards the examples of README.md, which are regions of this file: they must compile and run. */
class ReadmeTest {
    private static final Path HERE = Path.of("src/test/java/dev/cairn/ReadmeTest.java");

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @Test
    void stores() {
        Path file = directory.resolve("sessions.cairn");
        // @start
        try (CairnStore store = Cairn.open(file)) { // created if it is absent
            byte[] key = "user:17".getBytes(UTF_8);
            store.put(key, "Ada".getBytes(UTF_8)); // every process sees it when put returns
            byte[] value = store.get(key); // without a lock; null if the key is absent
            Versioned seen = store.getVersioned(key); // the value and its version
            store.replace(key, seen.version(), "Eve".getBytes(UTF_8)); // only if nobody wrote since
            store.put("now".getBytes(UTF_8), value, Duration.ofMinutes(30)); // a time to live
            store.forEach((k, v) -> System.out.println(k.length + " " + v.length));
            store.checkpoint(); // when it returns, all of the above survives a power failure
        }
        // @end
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.get("user:17".getBytes(UTF_8))).isEqualTo("Eve".getBytes(UTF_8));
            assertThat(store.get("now".getBytes(UTF_8))).isEqualTo("Ada".getBytes(UTF_8));
        }
    }

    // @start
    record Session(UUID user, String name, Instant lastSeen) {}

    // @end

    private static Session load(String id) {
        return new Session(UUID.randomUUID(), "user " + id, Instant.EPOCH);
    }

    @Test
    void maps() {
        Path file = directory.resolve("sessions.cairn");
        // @start
        try (CairnMap<String, Session> sessions =
                Cairn.map(Codecs.utf8(), Codecs.javaRecord(Session.class))
                        .nearCache(Caffeine.newBuilder().maximumSize(100_000)) // optional
                        .open(file)) {
            Session session = sessions.get("17", id -> load(id)); // one load a key on the host
            sessions.put("17", new Session(session.user(), session.name(), Instant.now()));
        }
        // @end
        try (CairnMap<String, Session> sessions =
                Cairn.map(Codecs.utf8(), Codecs.javaRecord(Session.class)).open(file)) {
            assertThat(sessions.get("17").name()).isEqualTo("user 17");
            assertThat(sessions.get("17").lastSeen()).isAfter(Instant.EPOCH);
        }
    }

    @Test
    void theReadmeShowsWhatIsHere() throws IOException {
        String here = Files.readString(HERE);
        List<String> regions =
                Pattern.compile("(?s)// @start\n(.*?)\n *// @end\n")
                        .matcher(here)
                        .results()
                        .map(region -> region.group(1).stripIndent().strip())
                        .toList();
        List<String> shown =
                Pattern.compile("(?s)```java\n(.*?)\n```\n")
                        .matcher(Files.readString(Path.of("README.md")))
                        .results()
                        .map(block -> block.group(1))
                        .toList();
        assertThat(shown).isEqualTo(regions);
        assertThat(shown).hasSize(3);
    }
}
