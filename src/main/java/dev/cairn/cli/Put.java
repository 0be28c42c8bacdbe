package dev.cairn.cli;

import dev.cairn.CairnStore;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.time.Duration;

@Command(name = "put", description = "Writes one entry, and creates the store if there is none.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class Put extends KeyVerb {
    @Parameters(
            index = "2",
            paramLabel = "VALUE",
            description =
                    "The value in UTF-8; see also --escaped. With -, it is read from"
                            + " standard input and may be any bytes.")
    private String value;

    @Option(
            names = "--ttl",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description =
                    "The time after which the entry expires: 500ms, 10s, 5m, 2h, 7d or"
                            + " ISO 8601 (PT10S).")
    private @Nullable Duration timeToLive;

    @Override
    public Integer call() throws IOException {
        byte[] key = key();
        byte[] bytes =
                value.equals("-") ? streams().in().readAllBytes() : words.bytes("VALUE", value);
        try (CairnStore store = openOrCreate()) {
            if (timeToLive == null) {
                store.put(key, bytes);
            } else {
                store.put(key, bytes, timeToLive);
            }
        }
        return ExitCode.OK;
    }
}
