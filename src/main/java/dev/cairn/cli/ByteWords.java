package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.cli.text.Escapes;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Keys, values and prefixes as words of a command line: UTF-8, or any bytes by escapes. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ByteWords {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec verb;

    @Option(
            names = {"-e", "--escaped"},
            description =
                    "KEY, VALUE and --prefix contain the escapes of tsv that scan"
                            + " prints: \\t \\n \\r \\\\ and \\xHH for any byte.")
    private boolean escaped;

    /**
     * The bytes that a word stands for.
     *
     * @param name the name of the word, for the error
     * @throws ParameterException if the word contains an invalid escape
     */
    byte[] bytes(String name, String word) {
        byte[] text = word.getBytes(UTF_8);
        if (!escaped) {
            return text;
        }
        try {
            return Escapes.unescape(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(
                    verb.commandLine(), name + " '" + word + "': " + e.getMessage(), e);
        }
    }
}
