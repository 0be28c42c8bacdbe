package dev.cairn.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Guards the example of the Javadoc and of docs/operations.md: it must compile and run. */
class MetricsExamplesTest {
    private static final Path HERE =
            Path.of("src/test/java/dev/cairn/micrometer/MetricsExamplesTest.java");

    private static final Path OPERATIONS = Path.of("docs/operations.md");

    @TempDir Path directory;

    @Test
    void metersLiveAsLongAsTheStore() {
        Path file = directory.resolve("sessions.cairn");
        MeterRegistry registry = new SimpleMeterRegistry();
        // @start region="metrics"
        try (CairnStore store = Cairn.open(file);
                CairnMetrics metrics = new CairnMetrics(store, "sessions", Tags.empty())) {
            metrics.bindTo(registry);
            store.put("user:17".getBytes(UTF_8), "Ada".getBytes(UTF_8));
            double entries = registry.get("cache.size").tag("cache", "sessions").gauge().value();
            System.out.println(entries); // 1.0
        }
        // @end
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void theDocumentShowsWhatIsHere() throws IOException {
        String here = Files.readString(HERE);
        String end = "//" + " @end";
        int start = here.indexOf('\n', here.indexOf("//" + " @start")) + 1;
        String shown = here.substring(start, here.lastIndexOf('\n', here.indexOf(end, start)));
        assertThat(Files.readString(OPERATIONS))
                .contains("```java\n" + shown.stripIndent() + "\n```\n");
    }

    /** Each meter must have a row in the document's table, and the table must have no others. */
    @Test
    void theDocumentListsEveryMeter() throws IOException {
        Set<String> listed = new TreeSet<>();
        Matcher rows = Pattern.compile("(?m)^\\| `(c[a-z]+\\.[a-z.]+)").matcher(metersSection());
        while (rows.find()) {
            listed.add(rows.group(1));
        }
        Set<String> named = new TreeSet<>();
        Pattern name = Pattern.compile("\"((?:cairn|cache)\\.[a-z.]+)\"");
        try (Stream<Path> sources = Files.list(Path.of("src/main/java/dev/cairn/micrometer"))) {
            for (Path source : sources.toList()) {
                Matcher names = name.matcher(Files.readString(source));
                while (names.find()) {
                    named.add(names.group(1));
                }
            }
        }
        assertThat(listed).isEqualTo(named);
    }

    private static String metersSection() throws IOException {
        String text = Files.readString(OPERATIONS);
        int start = text.indexOf("\n## Meters\n");
        int end = text.indexOf("\n## ", start + 1);
        return text.substring(start, end < 0 ? text.length() : end);
    }
}
