package dev.cairn.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Loads the classes that a store may need, for a process that has no descriptor left to read a
 * class file.
 */
final class Preloading {
    private static final Path CLASSES = Path.of("target/classes");
    private static final String SUFFIX = ".class";

    /** The packages of which a store needs nothing. */
    private static final List<String> OTHERS = List.of("cli", "kafka", "micrometer");

    private Preloading() {}

    /** Loads all classes of the library except its command line and its companions. */
    static int all() throws IOException {
        List<Path> files;
        try (Stream<Path> tree = Files.walk(CLASSES.resolve("dev/cairn"))) {
            files = tree.filter(Preloading::isNeeded).toList();
        }
        for (Path file : files) {
            String name = CLASSES.relativize(file).toString().replace('/', '.');
            try {
                Class<?> _ = Class.forName(name.substring(0, name.length() - SUFFIX.length()));
            } catch (ClassNotFoundException e) {
                throw new IllegalStateException(e);
            }
        }
        return files.size();
    }

    private static boolean isNeeded(Path file) {
        String in = CLASSES.resolve("dev/cairn").relativize(file).getName(0).toString();
        return file.toString().endsWith(SUFFIX)
                && !OTHERS.contains(in)
                && !file.endsWith("package-info.class");
    }
}
