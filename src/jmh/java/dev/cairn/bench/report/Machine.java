package dev.cairn.bench.report;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Tells on what, when, and of which builds figures are taken. */
public final class Machine {
    /** The name in the setting for whether a run only showed that everything works. */
    public static final String QUICK = "quick";

    private static final String PROCESSOR = "processor";
    private static final String PROCESSORS = "processors";
    private static final String MEMORY = "memory";
    private static final String KERNEL = "kernel";
    private static final String FILE_SYSTEM = "file system";
    private static final String JDK = "JDK";
    private static final String DATE = "date";

    /** What stands below a chart. */
    private static final List<String> SHOWN =
            List.of(PROCESSOR, PROCESSORS, MEMORY, KERNEL, FILE_SYSTEM, JDK, DATE);

    private static final double GIB = 1L << 20; // of the kernel's kB
    private static final Pattern JAR =
            Pattern.compile(
                    "(chronicle-map|lmdbjava|rocksdbjni|mapdb|caffeine|jmh-core)-([0-9].*)\\.jar");

    private Machine() {}

    /**
     * The setting of this machine, now.
     *
     * @param directory where the stores are made
     * @param checkout the checkout whose commit is told, if it is one of git
     */
    public static Map<String, String> setting(Path directory, Path checkout) throws IOException {
        Map<String, String> setting = new LinkedHashMap<>();
        setting.put(
                PROCESSOR,
                line("/proc/cpuinfo", "model name").orElse(System.getProperty("os.arch")));
        setting.put(PROCESSORS, Runtime.getRuntime().availableProcessors() + " processors");
        line("/proc/meminfo", "MemTotal").ifPresent(total -> setting.put(MEMORY, gibibytes(total)));
        setting.put(KERNEL, System.getProperty("os.name") + " " + System.getProperty("os.version"));
        setting.put(FILE_SYSTEM, Files.getFileStore(directory).type());
        setting.put(JDK, "JDK " + Runtime.version());
        setting.put(DATE, Instant.now().truncatedTo(ChronoUnit.DAYS).toString().substring(0, 10));
        commit(checkout).ifPresent(commit -> setting.put("commit", commit));
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            Matcher jar = JAR.matcher(Path.of(entry).getFileName().toString());
            if (jar.matches()) {
                setting.put(jar.group(1), jar.group(2));
            }
        }
        return setting;
    }

    /** The setting of results in one line. */
    static String caption(Map<String, String> setting) {
        String shown =
                SHOWN.stream()
                        .filter(setting::containsKey)
                        .map(setting::get)
                        .collect(Collectors.joining("; "));
        boolean quick = Boolean.parseBoolean(setting.getOrDefault(QUICK, ""));
        return quick ? "A quick run, whose figures and sizes mean nothing; " + shown : shown;
    }

    private static String gibibytes(String kilobytes) {
        return Math.round(Long.parseLong(kilobytes.split(" ", 2)[0]) / GIB) + " GiB";
    }

    /** What a line "name : value" of a file says. */
    private static Optional<String> line(String file, String name) throws IOException {
        if (!Files.exists(Path.of(file))) {
            return Optional.empty();
        }
        try (var lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.startsWith(name))
                    .map(line -> line.substring(line.indexOf(':') + 1).trim())
                    .filter(Predicate.not(String::isEmpty))
                    .findFirst();
        }
    }

    /** The commit of a checkout, with a sign if something was changed since. */
    private static Optional<String> commit(Path checkout) throws IOException {
        try {
            Process git =
                    new ProcessBuilder("git", "describe", "--always", "--dirty", "--abbrev=12")
                            .directory(checkout.toFile())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String answer =
                    new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
            return git.onExit().join().exitValue() == 0 ? Optional.of(answer) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // there is no git
        }
    }
}
