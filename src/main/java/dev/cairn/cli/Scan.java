package dev.cairn.cli;

import dev.cairn.CairnStore;
import dev.cairn.cli.text.EntryWriter;
import dev.cairn.cli.text.TextFormat;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;

@Command(
        name = "scan",
        description =
                "Lists entries, in no particular order, one a line: key, tab, value,"
                        + " with the escapes of tsv. If an entry expires, another tab and the time"
                        + " follow.")
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class Scan extends StoreVerb {
    @Mixin private final ByteWords words = new ByteWords();

    @Option(
            names = "--prefix",
            defaultValue = "",
            description =
                    "Lists only keys that begin with these bytes, given in UTF-8; see"
                            + " also --escaped.")
    private String prefix;

    @Option(names = "--limit", paramLabel = "N", description = "Lists at most N entries.")
    private long limit = Long.MAX_VALUE;

    @Option(
            names = "--json",
            description = "Prints one JSON object a line, as dump --format jsonl does.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        byte[] wanted = words.bytes("--prefix", prefix);
        BufferedOutputStream out = new BufferedOutputStream(streams().out(), 1 << 16);
        EntryWriter writer = (json ? TextFormat.JSONL : TextFormat.TSV).writer(out);
        try (CairnStore store = openToRead()) {
            if (limit > 0) {
                scan(store, wanted, writer);
            }
        }
        writer.finish();
        return ExitCode.OK;
    }

    private void scan(CairnStore store, byte[] wanted, EntryWriter writer) {
        long[] left = {limit};
        store.forEachVersionedWhile((key, entry) -> {
            if (!startsWith(key, wanted)) {
                return true;
            }
            try {
                writer.write(key, entry.value(), entry.expires());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return --left[0] > 0;
        });
    }

    private static boolean startsWith(byte[] key, byte[] prefix) {
        return key.length >= prefix.length
                && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
    }
}
