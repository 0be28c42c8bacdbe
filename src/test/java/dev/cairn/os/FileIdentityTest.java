package dev.cairn.os;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Attacks the look at a file that another thread removes and brings back all the time: who looks
 * must be told that there is none. The canary looks in two steps, and meets an exception.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FileIdentityTest {
    @TempDir Path directory;

    @Test
    void aFileThatGoesWhileSomebodyLooksIsAbsent() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        Path away = directory.resolve("away");
        FileIdentity identity = FileIdentity.of(file);
        AtomicBoolean stop = new AtomicBoolean();
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            Future<?> mover =
                    thread.submit(() -> {
                        while (!stop.get()) {
                            Files.move(file, away);
                            Files.move(away, file);
                        }
                        return null;
                    });
            int present = 0;
            int absent = 0;
            int caught = 0;
            while (present == 0 || absent == 0 || caught == 0) {
                assertThat(mover.isDone()).isFalse();
                FileIdentity found = FileIdentity.find(file);
                if (found == null) {
                    absent++;
                } else {
                    assertThat(found).isEqualTo(identity);
                    present++;
                }
                caught += failsInTwoSteps(file) ? 1 : 0;
            }
            stop.set(true);
            mover.get();
        }
    }

    private static boolean failsInTwoSteps(Path file) throws IOException {
        try {
            return Files.exists(file) && FileIdentity.of(file) == null;
        } catch (NoSuchFileException _) {
            return true;
        }
    }
}
