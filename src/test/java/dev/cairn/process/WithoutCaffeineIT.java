package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/**
 * Attacks the promise that only near caches need Caffeine, and that everything else works without
 * it. The canary is the class path of the tests, which has Caffeine.
 */
class WithoutCaffeineIT {
    @TempDir Path directory;

    @Test
    void onlyANearCacheMissesIt() throws Exception {
        assertThat(WithoutLibrary.run(WithoutCaffeine.class, directory, "caffeine-"))
                .isEqualTo(said("com/github/benmanes/caffeine/cache/Caffeine"));
    }

    /** The canary: Caffeine is on the class path of the tests. */
    @Test
    void theTestsHaveIt() throws Exception {
        assertThat(WithoutLibrary.runWithAll(WithoutCaffeine.class, directory))
                .isEqualTo(said("near cache, 1"));
    }

    private static String said(String last) {
        return "value\n1, no near cache\ntrue\nloaded, no near cache\n" + last + "\n";
    }
}
