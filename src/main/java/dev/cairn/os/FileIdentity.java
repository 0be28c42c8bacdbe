package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * The identity of a file: device and inode or, if the system does not tell them, its path.
 *
 * @param key equal for one file alone, as long as a process has it open or mapped
 */
public record FileIdentity(Object key) {
    /** The identity of the file to which a path leads now. */
    public static FileIdentity of(Path path) throws IOException {
        Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        return new FileIdentity(key == null ? path.toRealPath() : key);
    }

    /** The identity of the file to which a path leads now; null if there is none. */
    public static @Nullable FileIdentity find(Path path) throws IOException {
        try {
            return of(path);
        } catch (NoSuchFileException _) {
            return null;
        }
    }

    /** Whether a path leads to that file. */
    public boolean isAt(Path path) throws IOException {
        return equals(of(path));
    }
}
