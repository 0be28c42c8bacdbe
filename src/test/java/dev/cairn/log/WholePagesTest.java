package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.file.Files;

/**
 * Attacks regions so large that a file which ends with a whole page has a rest behind the last of
 * them.
 */
@Timeout(60)
class WholePagesTest extends RegionsFixture {
    private static final long PAGE_BYTES = 2L << 20;

    @Override
    int regionBytes() {
        return 1 << 16;
    }

    @Test
    void fileEndsWithAWholePageUnlessItsBoundIsReached() throws IOException {
        Growth growth = new Growth(data, shared, locks, new RegionCounts(data, shared, locks));
        long to = growth.grown(count, 1, 1000);
        growth.lengthen(count, to, 1000);
        assertThat(Files.size(data.path())).isGreaterThan(data.regionAt(to));
        assertThat(Files.size(data.path()) % PAGE_BYTES).isZero();
        long next = growth.grown(to, 1, 1000);
        growth.lengthen(to, next - 1, 1000);
        assertThat(Files.size(data.path())).isEqualTo(data.regionAt(next - 1));
        growth.lengthen(next - 1, next, next);
        assertThat(Files.size(data.path())).isEqualTo(data.regionAt(next));
    }
}
