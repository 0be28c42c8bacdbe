package dev.cairn.cli.text;

import java.io.IOException;

/** A line does not have its format. The message names file and line and says what was expected. */
public final class MalformedInput extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedInput(String name, long line, String why) {
        super(name + ":" + line + ": " + why);
    }
}
