package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.FileSystemException;

/**
 * The streams that a verb reads and writes. Standard output is not a PrintStream, so that a full
 * disk or a closed pipe is not overlooked.
 *
 * @param terminal whether a person is watching, so that a progress bar makes sense
 */
public record Streams(InputStream in, OutputStream out, PrintStream err, boolean terminal) {
    @SuppressWarnings("SystemConsoleNull") // it is null with -Djdk.console=java.base
    static Streams ofProcess() {
        Console console = System.console();
        return new Streams(
                System.in,
                new StandardOutput(),
                System.err,
                console != null && console.isTerminal());
    }

    /** Writes the text to standard output at once, as UTF-8. */
    public void print(String text) throws IOException {
        out.write(text.getBytes(UTF_8));
        out.flush();
    }

    /** Standard output. Its failures say that standard output is what failed. */
    private static final class StandardOutput extends OutputStream {
        private final FileOutputStream out = new FileOutputStream(FileDescriptor.out);

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                throw new FileSystemException("standard output", null, e.getMessage());
            }
        }
    }
}
