package dev.cairn.process;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/*
 * Actors    the JVMs of one build that run tests; each may be the first that starts a child.
 * Why it is safe
 *           One of them makes the cache, and the others wait for it at the lock of a file.
 *           A cache is made anew if it is older than a class or a jar. The JVM compares the jars as well, and
 *           passes a cache over that does not fit.
 */
/**
 * What JVMs learn of the classes of {@link Acting} in a rehearsal, so that the children start and
 * open their first store with about half the work (JEP 514). It is used for the tests of the built
 * jar alone, since a cache knows classes in jars only.
 */
final class ChildrenCache {
    private static final String BUILT = "cairn.built";

    /** The class path of this JVM. */
    private final List<Path> path;

    private final Path directory;
    private final Path tests;
    private final Path cache;

    private ChildrenCache(Path target, List<Path> path) {
        this.path = path;
        directory = target.resolve("children");
        tests = directory.resolve("tests.jar");
        cache = directory.resolve("children.aot");
    }

    private static final class Holder {
        static final List<String> FLAGS = make();

        private static List<String> make() {
            String built = System.getProperty(BUILT);
            List<Path> path =
                    Arrays.stream(Children.classPath().split(File.pathSeparator, -1))
                            .map(Path::of)
                            .toList();
            try {
                return built == null
                                || path.stream().filter(Files::isDirectory).count() > 1 // no jar
                        ? List.of()
                        : new ChildrenCache(Path.of(built).getParent(), path).flags();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Flags of a JVM that uses the cache, its class path included; none if there is no cache. */
    static List<String> use() {
        return Holder.FLAGS;
    }

    private List<String> flags() throws IOException {
        Files.createDirectories(directory);
        String classPath = classPath();
        try (FileChannel channel =
                        FileChannel.open(
                                directory.resolve("lock"),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE);
                FileLock _ = channel.lock()) {
            if (!isNewerThanAll()) {
                writeTests();
                rehearse(classPath);
            }
        }
        return List.of(
                "-XX:AOTCache=" + cache,
                "-XX:+UnlockDiagnosticVMOptions",
                // would compile all that was hot in the rehearsal, which is more than most need
                "-XX:-AOTReplayTraining",
                "-Xlog:aot=off",
                "-Xlog:cds=off",
                "-cp",
                classPath);
    }

    /** The class path of this JVM, with the classes of the tests in a jar. */
    private String classPath() {
        return path.stream()
                .map(each -> (Files.isDirectory(each) ? tests : each).toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private Path classes() {
        return path.stream().filter(Files::isDirectory).findFirst().orElseThrow();
    }

    private boolean isNewerThanAll() throws IOException {
        if (!Files.exists(cache) || !Files.exists(tests)) {
            return false;
        }
        long made = Files.getLastModifiedTime(cache).toMillis();
        try (Stream<Path> classes = Files.walk(classes())) {
            for (Path each : Stream.concat(classes, path.stream()).toList()) {
                if (Files.exists(each) && Files.getLastModifiedTime(each).toMillis() > made) {
                    return false;
                }
            }
            return true;
        }
    }

    private void writeTests() throws IOException {
        Path classes = classes();
        try (OutputStream out = Files.newOutputStream(tests);
                JarOutputStream jar = new JarOutputStream(out);
                Stream<Path> files = Files.walk(classes)) {
            jar.setLevel(0);
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                jar.putNextEntry(new ZipEntry(classes.relativize(file).toString()));
                Files.copy(file, jar);
                jar.closeEntry();
            }
        }
    }

    private void rehearse(String classPath) throws IOException {
        Path made = directory.resolve("children.new");
        Path store = directory.resolve("rehearsal.cairn");
        List<String> command = new ArrayList<>(Children.command());
        command.removeLast();
        command.addAll(
                List.of("-XX:AOTCacheOutput=" + made, "-cp", classPath, Acting.class.getName()));
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        Child child = new Child(process);
        child.ask("open", store);
        child.ask("record");
        child.ask("put", "key", 100);
        child.ask("put", "key", 100);
        child.ask("get", "key");
        child.ask("remove", "key");
        child.ask("steps");
        child.ask("checkpoint");
        child.ask("verify");
        child.ask("close");
        child.end();
        child.awaitDeath();
        try (DirectoryStream<Path> left = Files.newDirectoryStream(directory, "rehearsal.*")) {
            for (Path each : left) {
                Files.delete(each);
            }
        }
        if (process.exitValue() != 0) {
            throw new IOException(made + ": the rehearsal ended with " + process.exitValue());
        }
        Path _ = Files.move(made, cache, StandardCopyOption.REPLACE_EXISTING);
    }
}
