package dev.cairn.cli;

import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs the verbs that want to start fast, on a store of its own. The launcher lets the JVM watch it and
 * keep the classes as they are then, so that later starts need not read and link them again.
 */
final class Rehearsal {
    private static final List<List<String>> VERBS =
            List.of(
                    List.of("put", "key", "value"),
                    List.of("put", "gone", "value", "--ttl", "1h"),
                    List.of("get", "key"),
                    List.of("has", "key"),
                    List.of("del", "gone"),
                    List.of("scan", "--limit", "1"),
                    List.of("count"),
                    List.of("stat"),
                    List.of("stat", "--json"),
                    List.of("checkpoint"));

    private Rehearsal() {}

    /** Works in a directory in the one that is named. */
    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createTempDirectory(Path.of(arguments[0]), "rehearsal");
        try {
            String store = directory.resolve("store.cairn").toString();
            for (List<String> verb : VERBS) {
                run(verb, store);
            }
        } finally {
            TemporaryFiles.delete(directory);
        }
    }

    private static void run(List<String> verb, String store) {
        List<String> words = new ArrayList<>(verb);
        words.add(1, store);
        Streams streams =
                new Streams(
                        InputStream.nullInputStream(),
                        OutputStream.nullOutputStream(),
                        System.err,
                        false);
        int code = Main.run(words.toArray(String[]::new), streams);
        if (code != 0) {
            throw new IllegalStateException(words + ": exit code " + code);
        }
    }
}
