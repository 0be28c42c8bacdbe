package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/**
 * Attacks the promise that everything but the meters works without Micrometer. The canary is the
 * class path of the tests, which has Micrometer.
 */
class WithoutMicrometerIT {
    @TempDir Path directory;

    @Test
    void storesMapsAndCachesWorkWithoutIt() throws Exception {
        assertThat(WithoutLibrary.run(WithoutMicrometer.class, directory, "micrometer"))
                .isEqualTo(said("without Micrometer"));
    }

    /** The canary: Micrometer is on the class path of the tests. */
    @Test
    void theTestsHaveIt() throws Exception {
        assertThat(WithoutLibrary.runWithAll(WithoutMicrometer.class, directory))
                .isEqualTo(said("with Micrometer"));
    }

    private static String said(String last) {
        return "value\n1 checkpoint\n1 1\nloaded 1\n" + last + "\n";
    }
}
