package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.cairn.cli.text.Utf8;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The words of the process's own command line. The JVM decodes them by the locale and replaces
 * bytes that it cannot decode. Here each word is what was typed, or there is an error.
 */
final class ProcessArguments {
    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
    private static final char REPLACEMENT = '\ufffd';

    private ProcessArguments() {}

    /**
     * The words as UTF-8.
     *
     * @param decoded the words as the JVM decoded them
     * @throws IllegalArgumentException if a word is not UTF-8; the message names it
     */
    static String[] exact(String[] decoded) {
        try {
            return exact(decoded, Files.readAllBytes(COMMAND_LINE));
        } catch (IOException _) { // only Linux has that file
            return exact(decoded, new byte[0]);
        }
    }

    /**
     * The words as UTF-8.
     *
     * @param commandLine the bytes of all words of the process, each followed by a NUL; the last of
     *     them are the decoded ones. Bytes of anything else are ignored.
     */
    static String[] exact(String[] decoded, byte[] commandLine) {
        List<byte[]> words = split(commandLine);
        List<byte[]> raw = words.subList(Math.max(0, words.size() - decoded.length), words.size());
        boolean known = raw.size() == decoded.length;
        for (int i = 0; known && i < decoded.length; i++) {
            known = mayBe(decoded[i], raw.get(i));
        }
        String[] exact = decoded.clone();
        for (int i = 0; i < exact.length; i++) {
            String word = known ? Utf8.decode(raw.get(i)) : unreplaced(decoded[i]);
            if (word == null) {
                String shown = known ? shown(raw.get(i)) : decoded[i];
                throw new IllegalArgumentException(
                        "'%s' is not UTF-8; use --escaped and write other bytes as \\xHH"
                                .formatted(shown));
            }
            exact[i] = word;
        }
        return exact;
    }

    private static @Nullable String unreplaced(String decoded) {
        return decoded.indexOf(REPLACEMENT) < 0 ? decoded : null;
    }

    private static List<byte[]> split(byte[] commandLine) {
        List<byte[]> words = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < commandLine.length; i++) {
            if (commandLine[i] == 0) {
                words.add(Arrays.copyOfRange(commandLine, from, i));
                from = i + 1;
            }
        }
        return words;
    }

    /** Whether the JVM can have decoded these bytes as that word: every locale keeps ASCII. */
    private static boolean mayBe(String decoded, byte[] raw) {
        String text = new String(raw, ISO_8859_1);
        return !US_ASCII.newEncoder().canEncode(text) || text.equals(decoded);
    }

    /** The word with escapes in place of what is not ASCII, since a terminal shows it. */
    private static String shown(byte[] word) {
        StringBuilder text = new StringBuilder();
        for (byte b : word) {
            text.append(b >= 0 ? String.valueOf((char) b) : "\\x%02x".formatted(b & 0xff));
        }
        return text.toString();
    }
}
