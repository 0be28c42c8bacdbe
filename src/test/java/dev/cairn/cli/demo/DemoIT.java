package dev.cairn.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.cli.CommandLineFixture;
import dev.cairn.cli.CommandLineFixture.Result;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Attacks the demo from end to end, with real processes and real kills. */
@Timeout(600)
class DemoIT {
    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir Path directory;

    @Test
    void everyFileOfATreeComesBackAlthoughAWriterWasKilled() throws IOException {
        Path tree = tree(400);
        Path store = directory.resolve("demo.cairn");

        Result result = cairn.run("demo", "--data", tree, "--file", store, "--seconds", "2");

        assertThat(result.exit()).as(result.out() + result.err()).isZero();
        assertThat(result.out())
                .contains(
                        "killed with SIGKILL",
                        "'s successor started as process",
                        "looked at all of them")
                .contains("400 of 400 entries are equal, byte for byte")
                .containsPattern("verdict +every byte agreed")
                .containsPattern(
                        "the rewriters overwrote all 400 entries; checkpoint \\d+ made that durable")
                .contains(
                        "both processes killed with SIGKILL",
                        "power failure: the -shm file is lost")
                .contains("400 of 400 entries are the same as at the checkpoint, byte for byte")
                .endsWith("the last checkpoint, exactly\n");
        assertThat(cairn.run("count", store).out()).isEqualTo("400\n");
        assertThat(cairn.run("get", store, "d7/f7").bytes())
                .isEqualTo(Files.readAllBytes(tree.resolve("d7/f7")));
    }

    @Test
    void oneFileAWriterIsEnough() throws IOException {
        Result result = cairn.run("demo", "--data", tree(3), "--seconds", "1");

        assertThat(result.exit()).as(result.out() + result.err()).isZero();
        assertThat(result.out())
                .contains("3 of 3 entries are equal, byte for byte")
                .contains("3 of 3 entries are the same as at the checkpoint, byte for byte");
    }

    @Test
    void fewerFilesThanWritersAreRefused() throws IOException {
        Result result = cairn.run("demo", "--data", tree(2));

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err()).contains("at least 3");
    }

    @Test
    void anExistingFileIsRefused() throws IOException {
        Path store = Files.writeString(directory.resolve("precious"), "data");

        Result result = cairn.run("demo", "--file", store);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err()).contains(store + ": the file exists already");
        assertThat(store).hasContent("data");
    }

    private Path tree(int files) throws IOException {
        Random random = new Random(files);
        Path tree = Files.createDirectory(directory.resolve("tree"));
        for (int i = 0; i < files; i++) {
            byte[] bytes = new byte[random.nextInt(20_000)];
            random.nextBytes(bytes);
            Path file = tree.resolve("d" + i % 10).resolve("f" + i);
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        }
        return tree;
    }
}
