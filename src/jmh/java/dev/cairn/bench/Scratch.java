package dev.cairn.bench;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/** A directory for the files of a benchmark, gone with all of them when it is closed. */
record Scratch(Path path) implements Closeable {
    /** Names the directory under which those of this JVM are made. */
    static final String PROPERTY = "cairn.bench.directory";

    static Scratch create(String name) throws IOException {
        return create(Path.of(System.getProperty(PROPERTY, "target")), name);
    }

    static Scratch create(Path parent, String name) throws IOException {
        Files.createDirectories(parent);
        return new Scratch(Files.createTempDirectory(parent, name));
    }

    @Override
    public void close() throws IOException {
        try (var files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file); // an interrupt may have come first
            }
        }
    }
}
