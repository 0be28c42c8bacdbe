package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.cli.CommandLineFixture.Result;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Attacks {@code cairn top}: what it prints of a store, again and again. */
class TopTest {
    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir Path directory;
    private Path store;

    @BeforeEach
    void nameStore() {
        store = directory.resolve("test.cairn");
        cairn.run("put", store, "k", "v");
    }

    @Test
    void eachSampleIsALineBelowOneHeading() {
        Result result = cairn.run("top", store, "--times", "3", "--every", "1ms");

        assertThat(result.exit()).as(result.err()).isZero();
        List<String> lines = result.out().lines().toList();
        assertThat(lines).hasSize(4);
        assertThat(lines.getFirst())
                .contains("entries", "live", "garbage", "waiting", "free", "processes", "state");
        assertThat(lines.subList(1, 4))
                .allSatisfy(line -> assertThat(line).containsPattern(" 1 .* 0 bytes/s .* sound$"));
    }

    @Test
    void aTerminalIsRefreshed() {
        Result result = cairn.onTerminal().run("top", store, "--times", "2", "--every", "1ms");

        assertThat(result.out().split("\033\\[H\033\\[2J", -1)).hasSize(3);
        assertThat(result.out())
                .contains(store + " at ", "every 1.00 ms; Ctrl-C ends")
                .containsPattern("entries +1\n")
                .contains("garbage", "state", "log grew by", "checkpoints");
    }

    @Test
    void scriptsGetAnObjectALine() {
        Result result = cairn.run("top", store, "--times", "2", "--every", "1ms", "--json");

        assertThat(result.out().lines())
                .hasSize(2)
                .allSatisfy(line ->
                        assertThat(line)
                                .startsWith("{\"file\":")
                                .contains("\"at\":\"2", "\"entries\":1,")
                                .contains("\"logBytesPerSecond\":0"));
    }

    @Test
    void theNextSampleShowsWhatWasWrittenMeanwhile() throws IOException {
        List<String> lines = topAndMeanwhile(store, () -> cairn.run("put", store, "k2", "v"));

        assertThat(lines.get(1)).containsPattern(" 1 .* 0 bytes/s ");
        assertThat(lines.get(2)).containsPattern(" 2 .* \\d[^ ]* .*/s ");
        assertThat(lines.get(2)).doesNotContain(" 0 bytes/s ");
    }

    @Test
    void aSnapshotThatWasOvertakenIsTakenAnew() throws IOException {
        Path copy = Files.copy(store, directory.resolve("copy.cairn")); // as after a power failure

        List<String> lines = topAndMeanwhile(copy, () -> cairn.run("put", copy, "k2", "v"));

        assertThat(lines.get(1)).containsPattern(" 1 ");
        assertThat(lines.get(2)).containsPattern(" 2 ");
    }

    @Test
    void processesThatHaveItOpenAreShown() {
        try (CairnStore open = Cairn.open(store)) {
            assertThat(cairn.run("top", store, "--times", "1", "--json").out())
                    .contains("\"processes\":" + open.stats().processes());
        }
    }

    @Test
    void aStoreThatWentAwayIsTold() throws IOException {
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        int exit = top(store, errors, () -> delete(store), new ByteArrayOutputStream());

        assertThat(exit).isEqualTo(4);
        assertThat(errors.toString(UTF_8))
                .startsWith("cairn: " + store + ": there is no such store")
                .hasLineCount(1);
    }

    /** Takes two samples and runs the action between them. Returns the lines that were printed. */
    private static List<String> topAndMeanwhile(Path file, Runnable action) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        int exit = top(file, errors, action, out);
        assertThat(exit).as(errors.toString(UTF_8)).isZero();
        return out.toString(UTF_8).lines().toList();
    }

    private static int top(Path file, OutputStream errors, Runnable action, OutputStream out)
            throws IOException {
        OutputStream acting =
                new OutputStream() {
                    private boolean acted;

                    @Override
                    public void write(int b) throws IOException {
                        out.write(b);
                    }

                    @Override
                    public void flush() {
                        if (!acted) {
                            acted = true;
                            action.run();
                        }
                    }
                };
        try (PrintStream err = new PrintStream(errors, true, UTF_8)) {
            return Main.run(
                    new String[] {"top", file.toString(), "--times", "2", "--every", "10ms"},
                    new Streams(InputStream.nullInputStream(), acting, err, false));
        }
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
