package dev.cairn.engine;

import dev.cairn.MemoryDirectory;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Does what {@link FuzzTest} does for many minutes. {@code -Dcairn.fuzz.cases=N} sets the number of
 * cases.
 */
@Tag("soak")
class FuzzSoakIT {
    private static final int CASES = Integer.getInteger("cairn.fuzz.cases", 20_000);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @Test
    void manyCases() throws IOException {
        new FuzzTest().play(directory, CASES);
    }
}
