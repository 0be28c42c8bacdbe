package dev.cairn.bench.processes;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/** A directory for the files of a benchmark. When it is closed, it is removed with all of them. */
public record Scratch(Path path) implements Closeable {
    /** The property that names the directory under which this JVM makes its scratch directories. */
    public static final String PROPERTY = "cairn.bench.directory";

    public static Scratch create(String name) throws IOException {
        return create(Path.of(System.getProperty(PROPERTY, "target")), name);
    }

    public static Scratch create(Path parent, String name) throws IOException {
        Files.createDirectories(parent);
        return new Scratch(Files.createTempDirectory(parent, name));
    }

    @Override
    public void close() throws IOException {
        delete(path);
    }

    /** Deletes a directory with whatever is in it, if it exists. */
    public static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file); // an interrupt may have deleted it
            }
        }
    }
}
