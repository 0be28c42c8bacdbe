package dev.cairn.engine;

import dev.cairn.OpeningProgress;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What can be seen, without any lock, of the work of the process that holds a store's open lock:
 * two words of the shared-memory file, or of the one that is being built, and the length of that.
 * Only the difference between two looks counts: if they differ, the holder has made progress in
 * between. If the files cannot be read, all values are 0.
 *
 * @param builtBytes the length of the file that is being built, -1 if there is none
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
            // renamed or removed in between, or not readable for this user: nothing is seen
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

    /** Describes the work as the end of a sentence that begins with another process. */
    String described() {
        OpeningProgress progress = progress();
        return progress.recovering()
                ? "is recovering the store, %d %% done".formatted(progress.percent())
                : "is opening or closing the store";
    }
}
