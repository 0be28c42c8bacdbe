package dev.cairn.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Which file it is, by device and inode; where the system tells none, by its path.
 *
 * @param key equal for one file alone, as long as somebody has it open or mapped
 */
public record FileIdentity(Object key) {
    /** Of the file that a path leads to by now. */
    public static FileIdentity of(Path path) throws IOException {
        Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        return new FileIdentity(key == null ? path.toRealPath() : key);
    }

    /** Whether a path leads to that file. */
    public boolean isAt(Path path) throws IOException {
        return equals(of(path));
    }
}
