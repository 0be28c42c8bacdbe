package dev.cairn.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.cli.Streams;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;

/** The canary of the demo: whatever is wrong in the store, the comparison must say so. */
class ComparisonTest {
    static final Streams SILENT =
            new Streams(
                    InputStream.nullInputStream(),
                    OutputStream.nullOutputStream(),
                    new PrintStream(OutputStream.nullOutputStream(), true, UTF_8),
                    false);

    @TempDir Path directory;

    @Test
    void missingDifferentAndSurplusEntriesAreTold() throws IOException {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        for (String name : new String[] {"equal", "different", "missing"}) {
            Files.writeString(tree.resolve(name), name);
        }
        Path file = directory.resolve("test.cairn");
        try (CairnStore store = Cairn.open(file)) {
            store.put("equal".getBytes(UTF_8), "equal".getBytes(UTF_8));
            store.put("different".getBytes(UTF_8), "differenT".getBytes(UTF_8));
            store.put("surplus 1".getBytes(UTF_8), new byte[0]);
            store.put("surplus 2".getBytes(UTF_8), new byte[0]);
        }

        DemoSource source = DemoSource.ofDirectory(tree, new ArrayList<>());
        Comparison comparison = Comparison.of(source, Edition.FILES, file, SILENT);

        assertThat(comparison.equal()).isEqualTo(1);
        assertThat(comparison.wrong())
                .containsExactly(
                        "different: has other bytes",
                        "missing: is missing",
                        "the store has 4 entries, not 3");
        assertThat(comparison.everyByteAgreed(source)).isFalse();
    }
}
