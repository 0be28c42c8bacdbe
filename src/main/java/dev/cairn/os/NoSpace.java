package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/** There is no room for more bytes in a file: of the disk, of a quota, or of the longest file. */
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

    /** Where no number tells, the text of the system does, or a disk that has nothing left. */
    static IOException orElse(Path file, IOException e) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return TEXTS.stream().anyMatch(text::contains) || nothingLeft(file)
                ? new NoSpace(e.getMessage(), e)
                : e;
    }

    private static boolean nothingLeft(Path file) {
        try {
            return Files.getFileStore(file).getUsableSpace() < PAGE_BYTES;
        } catch (IOException _) {
            return false;
        }
    }
}
