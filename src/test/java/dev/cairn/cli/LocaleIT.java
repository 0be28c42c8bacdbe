package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Attacks command lines of real processes. Their words are bytes, and the locale is the shell's.
 */
@EnabledOnOs(OS.LINUX)
class LocaleIT {
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin/java").toString();

    @TempDir Path directory;
    @TempDir Path scripts;

    @ParameterizedTest
    @ValueSource(strings = {"C", "POSIX", "C.UTF-8", "de_DE.UTF-8", "de_DE.ISO-8859-1", "UTF-8"})
    void keysAndValuesAreWhatWasTyped(String locale) throws Exception {
        Path store = directory.resolve("s");

        assertThat(shell(locale, "put '" + store + "' Zoë€😀 grün")).isEqualTo("0");
        assertThat(shell(locale, "put '" + store + "' Zoö other")).isEqualTo("0");

        try (CairnStore opened = Cairn.open(store)) {
            assertThat(opened.size()).isEqualTo(2);
            assertThat(opened.get("Zoë€😀".getBytes(UTF_8))).isEqualTo("grün".getBytes(UTF_8));
        }
    }

    @Test
    void bytesThatAreNotUtf8AreRefused() throws Exception {
        Path store = directory.resolve("s");

        assertThat(shell("C.UTF-8", "put '" + store + "' \"$(printf 'k\\377')\" one"))
                .startsWith(
                        "cairn: 'k\\xff' is not UTF-8; use --escaped and write other bytes as \\xHH;")
                .endsWith("2");
        assertThat(shell("C.UTF-8", "put '" + store + "' k \"$(printf 'v\\376')\"")).endsWith("2");
        assertThat(shell("C.UTF-8", "put \"$(printf 's\\377')\" k v")).endsWith("2");
        assertThat(directory).isEmptyDirectory();
    }

    /** What the command line printed, and its exit code. */
    private String shell(String locale, String words) throws IOException, InterruptedException {
        String command =
                "'%s' -XX:TieredStopAtLevel=1 --enable-native-access=ALL-UNNAMED -cp \"$CP\" %s %s; echo $?"
                        .formatted(JAVA, Main.class.getName(), words);
        Path script = Files.writeString(scripts.resolve("words.sh"), command);
        ProcessBuilder builder =
                new ProcessBuilder("sh", script.toString())
                        .directory(directory.toFile())
                        .redirectErrorStream(true);
        builder.environment().put("LC_ALL", locale);
        builder.environment().put("CP", System.getProperty("java.class.path"));
        Process process = builder.start();
        String printed = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        return printed;
    }
}
