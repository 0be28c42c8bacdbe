package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/**
 * There is no room for more bytes in a file: the disk is full, a quota is used up, or the file has
 * its greatest length.
 */
final class NoSpace extends IOException {
    private static final long serialVersionUID = 1L;

    private static final int PAGE_BYTES = 4096;
    private static final int EFBIG = 27;
    private static final int ENOSPC = 28;
    private static final int EDQUOT = 122;
    private static final Set<String> TEXTS =
            Set.of("no space left", "quota exceeded", "file too large");

    NoSpace(@Nullable String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    static boolean means(int errno) {
        return errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    }

    /**
     * Translates an error without an error number: a NoSpace if its text says so, or if the disk
     * has no space left; otherwise the error itself.
     */
    static IOException orElse(Path file, IOException e) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return TEXTS.stream().anyMatch(text::contains) || nothingLeft(file)
                ? new NoSpace(naming(file, e), e)
                : e;
    }

    /** Adds the file's name, which the operating system's errors of a write do not contain. */
    private static String naming(Path file, IOException e) {
        String told = String.valueOf(e.getMessage());
        return told.contains(file.toString()) ? told : file + ": " + told;
    }

    private static boolean nothingLeft(Path file) {
        try {
            return Files.getFileStore(file).getUsableSpace() < PAGE_BYTES;
        } catch (IOException _) {
            return false;
        }
    }
}
