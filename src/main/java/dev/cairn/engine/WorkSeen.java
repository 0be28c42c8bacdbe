package dev.cairn.engine;

import dev.cairn.OpeningProgress;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What is to be seen, without any lock, of the work of whoever holds a store's open lock: two words of
 * the shared-memory file, or of the one that is being built, and how long that is. Of two looks it
 * counts only whether they differ: then the holder has come on in between. Where the files cannot be
 * read, all is 0.
 *
 * @param builtBytes length of the file that is being built, -1 if none is
 */
record WorkSeen(long builtBytes, long builtDone, long builtAll, long sharedDone) {
    static WorkSeen look(StoreFiles files) {
        byte[] built = words(files.sharedBeingMade());
        byte[] shared = words(files.shared());
        return new WorkSeen(
                size(files.sharedBeingMade()),
                Words.plain(built, 0),
                Words.plain(built, Long.BYTES),
                Words.plain(shared, 0));
    }

    private static byte[] words(Path file) {
        byte[] words = new byte[2 * Long.BYTES];
        try {
            if (Files.isRegularFile(file)) {
                byte[] found = Host.read(file, SharedLayout.OPENING_DONE, words.length);
                System.arraycopy(found, 0, words, 0, found.length);
            }
        } catch (IOException _) {
            // renamed or removed in between, or not to be read by this user: nothing is seen
        }
        return words;
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException _) {
            return -1;
        }
    }

    OpeningProgress progress() {
        return builtBytes < 0 ? new WorkDone(false, 0, 0) : new WorkDone(true, builtDone, builtAll);
    }

    /** As the end of a sentence that begins with another process. */
    String described() {
        OpeningProgress progress = progress();
        return progress.recovering()
                ? "recovers it and has done %d %% of that".formatted(progress.percent())
                : "opens or closes it";
    }
}
