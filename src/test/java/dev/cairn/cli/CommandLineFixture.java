package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;

/** Runs command lines in this JVM and keeps what they printed. */
public final class CommandLineFixture {
    private byte[] input = {};
    private boolean terminal;

    /** What a command line did. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Result(int exit, byte[] bytes, String err) {
        public String out() {
            return new String(bytes, UTF_8);
        }
    }

    /** Sets the standard input of the command lines to come. */
    public CommandLineFixture with(byte[] standardInput) {
        input = standardInput;
        return this;
    }

    /** Lets the command lines behave as if a person looked on. */
    public CommandLineFixture onTerminal() {
        terminal = true;
        return this;
    }

    public Result run(Object... words) {
        String[] args = new String[words.length];
        for (int i = 0; i < words.length; i++) {
            args[i] = words[i] instanceof Path path ? path.toString() : (String) words[i];
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        try (PrintStream errors = new PrintStream(err, true, UTF_8)) {
            int exit =
                    Main.run(
                            args,
                            new Streams(new ByteArrayInputStream(input), out, errors, terminal));
            return new Result(exit, out.toByteArray(), err.toString(UTF_8));
        }
    }
}
