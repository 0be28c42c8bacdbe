package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.format.SharedLayout;
import dev.cairn.log.DataFile.State;
import dev.cairn.log.Regions.Use;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;

/** Attacks the growth of the data file: how long it becomes, and what its new regions are. */
@Timeout(60)
class GrowthTest extends RegionsFixture {
    private static final long ANY = 1L << 30;
    private static final long WHOLE_BYTES = 32L * 4096;

    private Growth growth;

    @BeforeEach
    void growth() {
        growth = new Growth(data, shared, locks, new RegionCounts(data, shared, locks));
    }

    /** The regions of the smallest file that has this many and ends with a whole page. */
    private long whole(long regions) {
        long before = data.regionAt(0);
        long pages = (before + regions * 4096 + WHOLE_BYTES - 1) / WHOLE_BYTES;
        return (pages * WHOLE_BYTES - before) / 4096;
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1, 1", // as many as are needed
        "100, 1, 25", // a quarter of a small file
        "100, 70, 70",
        "8192, 1, 2048", // at most 8 MiB, in regions of 4 KiB
        "20000, 1, 2048",
        "32768, 1, 2048", // which are a sixteenth
        "100000, 1, 6250",
        "100000, 7000, 7000"
    })
    void fileGrowsByAPartOfItself(long from, long least, long by) {
        assertThat(growth.grown(from, least, ANY)).isEqualTo(whole(from + by));
        assertThat(growth.grown(from, least, from + 1)).isEqualTo(from + 1);
    }

    @Test
    void onlyLargeFilesGrowAhead() {
        assertThat(Growth.ahead(255)).isZero();
        assertThat(Growth.ahead(256)).isEqualTo(32);
        assertThat(Growth.ahead(8000)).isEqualTo(1000);
        assertThat(growth.grownAhead(8000, ANY)).isEqualTo(whole(8500));
        assertThat(growth.grownAhead(8000, 8001)).isEqualTo(8001);
    }

    private void isLonger(long to) {
        assertThat(data.regions()).isEqualTo(to);
        for (long region = count; region < to; region++) {
            assertThat(data.state(region)).isEqualTo(State.FREE);
        }
    }

    @Test
    void newRegionsAreFreeAndCounted() throws IOException {
        set(SharedLayout.FREE_HINT, freeWord(3, 2));
        growth.lengthen(count, count + 5, ANY);
        isLonger(count + 5);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 7));
        assertThat(Files.size(data.path())).isEqualTo(data.regionAt(count + 5));
        long whole = whole(count + 6);
        growth.lengthen(count + 5, whole, ANY);
        assertThat(Files.size(data.path())).as("size, in whole pages").isEqualTo(pages(whole));
        isLonger(whole);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 2 + whole - count));
    }

    private long pages(long regions) {
        return (data.regionAt(regions) + WHOLE_BYTES - 1) / WHOLE_BYTES * WHOLE_BYTES;
    }

    /** The file must not be longer than it may be. */
    @Test
    void fileAtItsBoundEndsWithItsLastRegion() throws IOException {
        long whole = whole(count + 1);
        growth.lengthen(count, whole, whole);
        assertThat(Files.size(data.path())).isEqualTo(data.regionAt(whole));
    }

    /** There are more owner entries than the first table has. */
    @Test
    void manyRegionsHaveOwnerEntries() throws IOException {
        growth.lengthen(count, 1100, 1100);
        isLonger(1100);
    }

    @Test
    void writerThatFindsNothingMakesTheFileLonger() {
        Regions regions = new Regions(data, shared, locks, 0);
        makeFree(3);
        assertThat(regions.growthBytes()).isEqualTo((whole(count + count / 4) - count) * 4096);
        regions.makeRoom(1, Use.WRITE);
        assertThat(data.regions()).isEqualTo(whole(count + count / 4));
        assertThat(word(SharedLayout.CLAIM_HINT)).isEqualTo(count);
        assertThat(regions.counts().free()).isEqualTo(data.regions() - count + 1);
        assertThat(regions.claim(shared.stripe(0), 0, Use.WRITE)).isEqualTo(count);
    }

    /** The bound leaves no more regions. */
    @Test
    void fileGrowsToItsBound() {
        Regions regions = new Regions(data, shared, locks, data.regionAt(count + 5));
        regions.makeRoom(1, Use.WRITE);
        assertThat(data.regions()).isEqualTo(count + 5);
        assertThat(regions.claim(shared.stripe(0), 0, Use.WRITE)).isEqualTo(count);
        assertThat(regions.claim(shared.stripe(0), 0, Use.WRITE)).isEqualTo(-1);
    }

    @Test
    void fileThatRunsShortGrowsAheadOfItsWriters() throws IOException {
        Regions regions = new Regions(data, shared, locks, 0);
        assertThat(regions.runShort()).as("whether a small file runs short").isFalse();
        assertThat(regions.makeRoomAhead(ANY)).isFalse();
        growth.lengthen(count, 800, ANY);
        long ahead = 100;
        long kept = STRIPES + 2;
        set(SharedLayout.FREE_HINT, freeWord(3, kept + ahead / 2 - 3));
        set(SharedLayout.HOLE_HINT, 1);
        set(SharedLayout.WAITING_HINT, 1);
        assertThat(regions.runShort()).isTrue();
        set(SharedLayout.WAITING_HINT, 2);
        assertThat(regions.runShort()).isFalse();
        assertThat(regions.makeRoomAhead(1L << 40)).isFalse();
        set(SharedLayout.WAITING_HINT, 1);
        assertThat(regions.makeRoomAhead(data.regionAt(whole(850)) - 1)).isFalse();
        assertThat(data.regions()).isEqualTo(800);
        assertThat(regions.makeRoomAhead(data.regionAt(whole(850)))).isTrue();
        assertThat(data.regions()).isEqualTo(whole(850));
    }

    @Test
    void storeHasARegionForEachStripeAndTwoMore() {
        Regions regions = new Regions(data, shared, locks, 0);
        regions.provideLeast();
        assertThat(data.regions()).isEqualTo(count);
        set(SharedLayout.REGIONS, STRIPES + 2);
        regions.provideLeast();
        assertThat(data.regions()).isEqualTo(STRIPES + 2);
        set(SharedLayout.REGIONS, STRIPES + 1);
        regions.provideLeast();
        assertThat(data.regions()).isEqualTo(STRIPES + 2);
    }
}
