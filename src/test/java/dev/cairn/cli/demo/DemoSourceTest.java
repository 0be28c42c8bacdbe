package dev.cairn.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Attacks the sources of the demo: the files that it lists, and how it shares them among writers.
 */
class DemoSourceTest {
    @TempDir Path directory;

    @Test
    void theJdkHasItsClassFiles() throws IOException {
        DemoSource jdk = DemoSource.ofJdk();

        int string =
                jdk.items().stream()
                        .map(DemoSource.Item::key)
                        .toList()
                        .indexOf("/java.base/java/lang/String.class");

        assertThat(jdk.size()).isGreaterThan(1000);
        assertThat(string).isNotNegative();
        assertThat(jdk.bytes(string)).startsWith(0xca, 0xfe, 0xba, 0xbe).hasSizeGreaterThan(1000);
    }

    @Test
    void aListReadBackIsEqual() throws IOException {
        Path list = directory.resolve("list");
        DemoSource jdk = DemoSource.ofJdk();

        jdk.writeTo(list);

        assertThat(DemoSource.readFrom(list)).isEqualTo(jdk);
    }

    @Test
    void aTreeIsListedWithoutItsLinks() throws IOException {
        Path tree = directory.resolve("tree");
        Files.createDirectories(tree.resolve("sub"));
        Files.writeString(tree.resolve("sub/a\nb"), "content");
        Files.createSymbolicLink(tree.resolve("sub/loop"), tree);
        Path list = directory.resolve("list");

        DemoSource source = DemoSource.ofDirectory(tree, new ArrayList<>());
        source.writeTo(list);

        assertThat(source.items()).isEqualTo(List.of(new DemoSource.Item("sub/a\nb", 7)));
        assertThat(DemoSource.readFrom(list)).isEqualTo(source);
        assertThat(source.bytes(0)).isEqualTo("content".getBytes(UTF_8));
        assertThat(source.name(0)).isEqualTo("sub/a?b");
    }

    @Test
    void aFileThatGrewCountsAsListed() throws IOException {
        Path tree = Files.createDirectories(directory.resolve("tree"));
        Files.writeString(tree.resolve("log"), "one\n");
        DemoSource source = DemoSource.ofDirectory(tree, new ArrayList<>());

        Files.writeString(tree.resolve("log"), "one\ntwo\n");

        assertThat(source.bytes(0)).isEqualTo("one\n".getBytes(UTF_8));
    }

    @Property
    void sharesCoverEveryEntryOnce(
            @ForAll @IntRange(max = 1000) int entries, @ForAll @IntRange(min = 1, max = 9) int of) {
        BitSet covered = new BitSet();
        for (int number = 0; number < of; number++) {
            Share share = new Share(number, of, entries);
            for (int position = 0; position < share.size(); position++) {
                int index = share.index(position);
                assertThat(Share.numberOf(index, of)).isEqualTo(number);
                assertThat(Share.positionOf(index, of)).isEqualTo(position);
                assertThat(covered.get(index)).isFalse();
                covered.set(index);
            }
        }
        assertThat(covered.cardinality()).isEqualTo(entries);
        assertThat(covered.length()).isEqualTo(entries);
    }
}
