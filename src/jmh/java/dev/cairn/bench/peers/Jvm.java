package dev.cairn.bench.peers;

import dev.cairn.Cairn;
import dev.cairn.bench.processes.ChildJvm;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The JVMs that the benchmark starts, all with the same flags. */
final class Jvm {
    static final Charset CHARSET = StandardCharsets.UTF_8;

    /**
     * The directory for temporary files, such as unpacked libraries. It lies beside the store's
     * directory.
     */
    static final String TEMPORARY = "tmp";

    /** The flags that one or another of the peers needs on JDK 25. */
    private static final List<String> FLAGS =
            List.of(
                    "-XX:+AlwaysPreTouch",
                    "-XX:-UsePerfData",
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow",
                    "--add-opens=java.base/java.lang=ALL-UNNAMED",
                    "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
                    "--add-opens=java.base/java.nio=ALL-UNNAMED",
                    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
                    "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
                    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
                    "--add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED",
                    "-Dchronicle.analytics.disable=true",
                    "-Dslf4j.internal.verbosity=ERROR");

    private static final int OWN_ARGUMENTS = 4;

    private Jvm() {}

    /**
     * Starts a JVM for an entrant.
     *
     * @param number the number of the process among those of the entrant, from 0
     */
    static Process start(
            Class<?> main,
            String classPath,
            Setting setting,
            String entrant,
            int round,
            int number,
            Path directory)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.addAll(ChildJvm.java());
        command.addAll(FLAGS);
        command.add("-Xms" + setting.heap());
        command.add("-Xmx" + setting.heap());
        command.add("-Djava.io.tmpdir=" + directory.resolveSibling(TEMPORARY));
        command.addAll(List.of("-cp", classPath, main.getName()));
        command.addAll(
                List.of(
                        entrant,
                        Integer.toString(round),
                        directory.toString(),
                        Integer.toString(number)));
        command.addAll(setting.arguments());
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    static String[] settingOf(String[] arguments) {
        return Arrays.copyOfRange(arguments, OWN_ARGUMENTS, arguments.length);
    }

    /** This JVM's class path with another build in place of the classes of Cairn. */
    static String classPathWith(String build) throws IOException, URISyntaxException {
        Path own = Path.of(Cairn.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<String> entries = new ArrayList<>(List.of(build));
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            if (!Files.exists(Path.of(entry)) || !Files.isSameFile(Path.of(entry), own)) {
                entries.add(entry);
            }
        }
        return String.join(File.pathSeparator, entries);
    }
}
