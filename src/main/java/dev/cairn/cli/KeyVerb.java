package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import picocli.CommandLine.Parameters;

/** A verb about one entry, whose key is the second argument. */
@SuppressWarnings("NullAway.Init") // picocli sets the field
abstract class KeyVerb extends StoreVerb {
    @Parameters(index = "1", paramLabel = "KEY", description = "The key, as UTF-8.")
    private String key;

    final byte[] key() {
        return key.getBytes(UTF_8);
    }
}
