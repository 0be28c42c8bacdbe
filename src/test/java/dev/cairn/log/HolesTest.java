package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.format.OwnerWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.DataFile.State;
import dev.cairn.log.Regions.Use;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeSet;

/** Attacks the holes of the data file: which regions give up their blocks, and which get some. */
@Timeout(60)
class HolesTest extends RegionsFixture {
    private Holes holes;
    private RegionCounts counts;
    private Regions regions;

    @BeforeEach
    void holes() {
        counts = new RegionCounts(data, shared, locks);
        holes = new Holes(data, shared, counts);
        regions = new Regions(data, shared, locks, data.bytes());
        set(SharedLayout.FREE_HINT, freeWord(3, 0));
    }

    private Set<Long> in(State state) {
        Set<Long> in = new TreeSet<>();
        for (long region = 0; region < count; region++) {
            if (data.state(region) == state) {
                in.add(region);
            }
        }
        return in;
    }

    private long content(long region) {
        return Words.plain(data.remapped(), data.regionAt(region));
    }

    @Test
    void freeRegionsGiveUpTheirBlocksBesidesThoseThatStay() throws IOException {
        makeFree(2, 4, 6, 8, 9);
        makeWait(10, EPOCH);
        set(SharedLayout.FREE_HINT, freeWord(3, 5));
        set(SharedLayout.HOLE_HINT, 1);
        long number = word(SharedLayout.ALLOCATIONS);
        long before = owner(6, OwnerWords.OWNER);
        assertThat(content(6)).isNotZero();
        assertThat(holes.punchAllBut(2)).isEqualTo(3);
        assertThat(in(State.FREE)).containsExactly(2L, 4L);
        assertThat(in(State.HOLE)).containsExactly(6L, 8L, 9L);
        assertThat(in(State.WAITING)).containsExactly(10L);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 2));
        assertThat(word(SharedLayout.HOLE_HINT)).isEqualTo(4);
        assertThat(content(6)).isZero();
        assertThat(content(5)).isNotZero();
        assertThat(content(7)).isNotZero();
        assertThat(content(10)).isNotZero();
        assertThat(owner(6, OwnerWords.OWNER))
                .as("word by which it was judged")
                .isNotEqualTo(before);
        assertThat(OwnerWords.number(owner(6, OwnerWords.OWNER))).isEqualTo(number + 1);
        assertThat(OwnerWords.number(owner(9, OwnerWords.OWNER))).isEqualTo(number + 3);
        assertThat(holes.punchAllBut(2)).isZero();
    }

    /** Others have claimed some regions that the caller does not know of yet. */
    @Test
    void countOfFreeRegionsThatMustStayIsRespected() throws IOException {
        makeFree(2, 4, 6, 8, 9);
        set(SharedLayout.FREE_HINT, freeWord(3, 3));
        assertThat(holes.punchAllBut(2)).isOne();
        assertThat(in(State.HOLE)).containsExactly(6L);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 2));
    }

    @Test
    void punchOfADeadProcessIsCompleted() {
        own(5, OwnerWords.punching(), 2, 3, 0);
        assertThat(in(State.PUNCHING)).containsExactly(5L);
        long number = word(SharedLayout.ALLOCATIONS);
        holes.endPunches();
        assertThat(in(State.HOLE)).containsExactly(5L);
        assertThat(word(SharedLayout.HOLE_HINT)).isOne();
        assertThat(OwnerWords.number(owner(5, OwnerWords.OWNER))).isEqualTo(number + 1);
        holes.endPunches();
        assertThat(word(SharedLayout.HOLE_HINT)).isOne();
    }

    @Test
    void neighboursAreFilledAndSomeBehindThem() throws IOException {
        makeFree(1, 2);
        for (int region = 4; region < 24; region++) {
            makeHole(region);
        }
        makeFree(5);
        set(SharedLayout.HOLE_HINT, 19);
        assertThat(holes.filled(count, 3, 0)).isEqualTo(4);
        Set<Long> free = in(State.FREE);
        assertThat(free).hasSize(2 + 16).contains(1L, 2L, 4L, 5L, 19L).doesNotContain(20L);
        assertThat(word(SharedLayout.HOLE_HINT)).isEqualTo(4);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 15));
        assertThat(in(State.HOLE)).containsExactly(20L, 21L, 22L, 23L);
    }

    /**
     * As many holes must be filled as are lacking, past the end of the file and on from its
     * beginning.
     */
    @ParameterizedTest
    @ValueSource(longs = {0, 1, 4, 5})
    void asManyAreFilledAsAreLacking(long lacking) throws IOException {
        makeHole(1);
        makeHole(3);
        makeHole(count - 2);
        makeHole(count - 1);
        set(SharedLayout.HOLE_HINT, 4);
        assertThat(holes.filled(count, 2, lacking)).isEqualTo(lacking > 4 ? -1 : count - 2);
        assertThat(in(State.HOLE)).isEmpty();
        assertThat(word(SharedLayout.HOLE_HINT)).isZero();
        assertThat(holes.filled(count, 3, 0)).isEqualTo(-1);
    }

    @Test
    void afterARecoveryAllThatIsDeadIsAHole() throws IOException {
        makeFree(1, 2);
        own(3, 0, 0, 0, 0);
        makeWait(4, EPOCH);
        data.file().opened().punch(data.regionAt(7), data.regionAt(8));
        regions.provideBlocks();
        assertThat(in(State.HOLE)).containsExactly(1L, 2L, 3L);
        assertThat(in(State.WAITING)).containsExactly(4L);
        assertThat(owner(4, OwnerWords.HOLE)).isOne();
        assertThat(owner(5, OwnerWords.HOLE)).isZero();
        assertThat(regions.counts().holes()).isEqualTo(3);
        assertThat(regions.counts().waiting()).isOne();
    }

    @Test
    void compactedStoreKeepsWhatNoWriteMayTake() throws IOException {
        makeFree(2, 4, 6, 8, 9);
        own(11, OwnerWords.punching(), 2, 3, 0);
        assertThat(regions.punchHoles()).isEqualTo(3);
        assertThat(in(State.FREE)).containsExactly(2L, 4L);
        assertThat(in(State.HOLE)).containsExactly(6L, 8L, 9L, 11L);
        assertThat(regions.counts().free()).isEqualTo(2);
        assertThat(regions.counts().holes()).isEqualTo(4);
    }

    /** RULE 27: the blocks come before the word that publishes them. */
    @Test
    void writerGetsHolesThatWereFilled() {
        makeFree(2, 4, 6);
        makeHole(8);
        makeHole(9);
        makeHole(10);
        StripeWords stripe = shared.stripe(0);
        assertThat(regions.claimRun(stripe, 0, 2, Use.WRITE)).isEqualTo(-1);
        regions.makeRoom(2, Use.WRITE);
        assertThat(in(State.HOLE)).isEmpty();
        assertThat(regions.counts().free()).isEqualTo(6);
        assertThat(regions.counts().holes()).isZero();
        assertThat(word(SharedLayout.CLAIM_HINT)).isEqualTo(8);
        assertThat(data.regions()).isEqualTo(count);
        assertThat(regions.claimRun(stripe, 0, 2, Use.WRITE)).isEqualTo(8);
    }

    /** The blocks of the file as the operating system counts them. */
    private long blocks() throws IOException {
        Process stat = new ProcessBuilder("stat", "-c", "%b", data.path().toString()).start();
        String said = new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        return Long.parseLong(said.trim());
    }

    /** RULE 27: if the disk is full, a store to a page without a block would end the JVM. */
    @Test
    void filledHolesAndLivingRegionsHaveBlocks() throws IOException {
        long before = blocks();
        makeFree(4, 5, 6, 7);
        set(SharedLayout.FREE_HINT, freeWord(3, 4));
        assertThat(holes.punchAllBut(0)).isEqualTo(4);
        long region = data.regionBytes() / 512;
        assertThat(blocks()).isEqualTo(before - 4 * region);
        assertThat(holes.filled(count, 4, 0)).isEqualTo(4);
        assertThat(blocks()).isEqualTo(before);
        data.file().opened().punch(data.regionAt(9), data.regionAt(10));
        data.file().opened().punch(0, data.regionAt(0));
        assertThat(blocks()).isLessThan(before - region);
        holes.fillLiving();
        assertThat(blocks()).isEqualTo(before);
    }
}
