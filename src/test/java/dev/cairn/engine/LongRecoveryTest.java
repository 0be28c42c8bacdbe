package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.MessageFormat;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Attacks what the log says of a long recovery: how far it has come, and nothing once it has ended.
 */
@Timeout(60)
class LongRecoveryTest {
    @TempDir Path directory;

    private static final class Heard extends Handler {
        final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

        @Override
        public void publish(LogRecord record) {
            lines.add(MessageFormat.format(record.getMessage(), record.getParameters()));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @Test
    void logTellsHowFarALongRecoveryHasComeUntilItEnds() throws Exception {
        StoreFiles files = StoreFiles.of(directory.resolve("store.cairn"));
        Logger logger = Logger.getLogger("dev.cairn");
        Level level = logger.getLevel();
        boolean parents = logger.getUseParentHandlers();
        Heard heard = new Heard();
        logger.addHandler(heard);
        logger.setUseParentHandlers(false);
        logger.setLevel(Level.INFO);
        try {
            try (LongRecovery _ = new LongRecovery(files, Duration.ofMillis(5))) {
                assertThat(next(heard)).contains(files.data().toString()).contains("is opening");
                halfDone(files);
                String line = next(heard);
                while (!line.contains("is recovering")) {
                    line = next(heard);
                }
                assertThat(line).contains("50 %");
            }
            while (heard.lines.poll(100, TimeUnit.MILLISECONDS) != null) {
                // It may still say what it was about to say when it was closed.
            }
        } finally {
            logger.removeHandler(heard);
            logger.setUseParentHandlers(parents);
            logger.setLevel(level);
        }
    }

    private static String next(Heard heard) throws InterruptedException {
        String line = heard.lines.poll(30, TimeUnit.SECONDS);
        assertThat(line).isNotNull();
        return line;
    }

    private static void halfDone(StoreFiles files) throws IOException {
        byte[] built = new byte[4096];
        Words.setPlain(built, SharedLayout.OPENING_DONE, 500);
        Words.setPlain(built, SharedLayout.OPENING_ALL, 1000);
        Path made = files.sharedBeingMade();
        Files.write(made.resolveSibling("made"), built);
        Files.move(made.resolveSibling("made"), made);
    }
}
