package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;

/** Attacks the reading of words: they must be what was typed, whatever the locale made of them. */
class ProcessArgumentsTest {
    @Test
    void wordsAreReadAgainFromTheirBytes() {
        byte[] typed = "java\0Main\0put\0s\0Zoë\0\0".getBytes(UTF_8);
        String[] decoded = {"put", "s", "Zo\ufffd\ufffd", ""};

        assertThat(ProcessArguments.exact(decoded, typed)).containsExactly("put", "s", "Zoë", "");
    }

    @Test
    void otherBytesAreRefusedAndShown() {
        byte[] typed = "java\0put\0s\0k\u00ff\0v\0".getBytes(ISO_8859_1);

        assertThatThrownBy(() ->
                        ProcessArguments.exact(new String[] {"put", "s", "k\ufffd", "v"}, typed))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("'k\\xff' is not UTF-8; use --escaped and write other bytes as \\xHH");
    }

    @Test
    void bytesOfAnotherCommandLineAreNotUsed() {
        String[] words = {"put", "s", "ö"};

        assertThat(ProcessArguments.exact(words, "run\0tests\0now\0".getBytes(UTF_8)))
                .containsExactly("put", "s", "ö");
        assertThat(ProcessArguments.exact(words, new byte[0])).containsExactly("put", "s", "ö");
    }

    @Test
    void whereThereAreNoBytesAReplacedCharacterIsRefused() {
        assertThatThrownBy(() -> ProcessArguments.exact(new String[] {"k\ufffd"}, new byte[0]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is not UTF-8");
    }

    @Test
    void aReplacementCharacterThatWasTypedIsOne() {
        byte[] typed = "java\0k\ufffd\0".getBytes(UTF_8);

        assertThat(ProcessArguments.exact(new String[] {"k\ufffd"}, typed))
                .containsExactly("k\ufffd");
    }
}
