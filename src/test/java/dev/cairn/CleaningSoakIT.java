package dev.cairn;

import static dev.cairn.CleaningTest.BACKGROUND;
import static dev.cairn.CleaningTest.MANUAL;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Random;

/** Does what {@link CleaningTest} does, with so many live bytes that the constant hardly counts. */
@Tag("soak")
class CleaningSoakIT {
    private static final int ENTRIES = 500_000;

    @TempDir Path directory;

    @Test
    void largeStoreStaysWithinTheBound() {
        CleaningTest test = new CleaningTest();
        test.directory = directory;
        test.overwrite("uniform, none", MANUAL, 0, ENTRIES, Random::nextInt);
        test.overwrite("uniform, manual", MANUAL, ENTRIES, ENTRIES, Random::nextInt);
        test.overwrite("uniform, background", BACKGROUND, 0, ENTRIES, Random::nextInt);
        test.overwrite("skewed, none", MANUAL, 0, ENTRIES, CleaningTest::skewed);
        test.overwrite("skewed, background", BACKGROUND, 0, ENTRIES, CleaningTest::skewed);
    }
}
