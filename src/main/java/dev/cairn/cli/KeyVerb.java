package dev.cairn.cli;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** A verb for one entry, whose key is the second argument. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
abstract class KeyVerb extends StoreVerb {
    @Parameters(
            index = "1",
            paramLabel = "KEY",
            description = "The key in UTF-8; see also --escaped.")
    private String key;

    @Mixin final ByteWords words = new ByteWords();

    /**
     * @throws picocli.CommandLine.ParameterException if the key contains an invalid escape
     */
    final byte[] key() {
        return words.bytes("KEY", key);
    }
}
