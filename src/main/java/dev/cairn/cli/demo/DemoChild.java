package dev.cairn.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.cli.Failure;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;

/** A writer or a reader of the demo, a process of its own. */
public final class DemoChild {
    private DemoChild() {}

    /**
     * Plays {@code writer LIST STORE SHARE SHARES FROM}, {@code reader LIST STORE SHARES} or {@code
     * rewriter LIST STORE SHARE SHARES}.
     */
    public static void main(String[] args) {
        Parent parent =
                new Parent(new PrintStream(new FileOutputStream(FileDescriptor.out), false, UTF_8));
        int exit = 0;
        try {
            play(args, parent);
        } catch (IOException
                | InterruptedException
                | RuntimeException
                | OutOfMemoryError
                | InternalError e) {
            parent.say("fault " + Failure.describe(e).replaceAll("\\p{Cntrl}+", " "));
            exit = 1;
        }
        System.exit(exit);
    }

    private static void play(String[] args, Parent parent)
            throws IOException, InterruptedException {
        DemoSource source = DemoSource.readFrom(Path.of(args[1]));
        Path store = Path.of(args[2]);
        switch (args[0]) {
            case "writer" ->
                    new DemoWriter(source, share(args, source), parent)
                            .run(store, Integer.parseInt(args[5]));
            case "rewriter" -> new Rewriter(source, share(args, source), parent).run(store);
            default -> new DemoReader(source, Integer.parseInt(args[3]), parent).run(store);
        }
    }

    private static Share share(String[] args, DemoSource source) {
        return new Share(Integer.parseInt(args[3]), Integer.parseInt(args[4]), source.size());
    }
}
