package dev.cairn.bench.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Path;

/**
 * Attacks the comparison of two builds, in one JVM and at a scale that says nothing. Here both
 * builds are the same.
 */
class PairedBenchmarkTest {
    @TempDir private Path directory;

    private Setting setting(String before) {
        return Setting.of(
                "peers=cairn",
                "entries=300",
                "turnovers=1",
                "windows=3",
                "seconds=0.01",
                "operations=get-1,put-2,mix50-zipf-2",
                "directory=" + directory,
                "before=" + before);
    }

    @Test
    void comparesEachOperationAndLeavesNothingBehind() throws Exception {
        URI build = Cairn.class.getProtectionDomain().getCodeSource().getLocation().toURI();
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        PairedBenchmark.compare(
                setting(Path.of(build).toString()), new PrintStream(out, true, UTF_8));

        assertThat(out.toString(UTF_8).lines().skip(1))
                .extracting(line -> line.split(" +", 2)[0])
                .containsExactly("get-1", "put-2", "mix50-zipf-2");
        assertThat(out.toString(UTF_8).lines().skip(1))
                .allMatch(line -> Double.parseDouble(line.split(" +", -1)[3]) > 0);
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void takesTheOtherBuild() {
        assertThatThrownBy(() -> PairedBenchmark.compare(setting(""), System.out))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("before=CLASSPATH");
    }
}
