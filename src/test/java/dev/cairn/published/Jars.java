package dev.cairn.published;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;

/** The jars that the build made, and those that they need. */
final class Jars {
    static final Path LIBRARY = ofClassifier("");
    static final Path COMMAND_LINE = ofClassifier("-cli");
    static final Path SOURCES = ofClassifier("-sources");
    static final Path DOCUMENTATION = ofClassifier("-javadoc");
    static final List<Path> ALL = List.of(LIBRARY, COMMAND_LINE, SOURCES, DOCUMENTATION);

    private Jars() {}

    /** A jar of another project, taken from the class path of the tests. */
    static Path ofDependency(String artifact) {
        List<Path> found =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .map(Path::of)
                        .filter(path ->
                                path.getFileName()
                                        .toString()
                                        .matches(artifact + "-[0-9][^-]*\\.jar"))
                        .toList();
        if (found.size() != 1) {
            throw new IllegalStateException(artifact + " is not there once: " + found);
        }
        return found.getFirst();
    }

    /** The names of the files in a jar, in their order there. */
    static List<String> files(Path jar) throws IOException {
        try (JarFile opened = new JarFile(jar.toFile())) {
            return opened.stream()
                    .filter(entry -> !entry.isDirectory())
                    .map(ZipEntry::getName)
                    .toList();
        }
    }

    private static Path ofClassifier(String classifier) {
        return Path.of(System.getProperty("cairn.built") + classifier + ".jar");
    }
}
