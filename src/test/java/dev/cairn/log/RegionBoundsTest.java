package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CorruptStore;
import dev.cairn.StoreFull;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.Place;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.log.Regions.Use;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Attacks the sums by which regions are kept and files grow, in a file of 20 regions (RULE 27). */
@Timeout(60)
class RegionBoundsTest extends RegionsFixture {
    private static final int STRIPE = 1;
    private static final int FEW = 20;

    /** Regions with blocks that a write keeps in such a file. A write leaves one more. */
    private static final int KEPT = 3;

    private Regions regions;
    private StripeWords stripe;

    @BeforeEach
    void few() {
        assertThat(count).isGreaterThan(FEW);
        set(SharedLayout.REGIONS, FEW);
        regions = new Regions(data, shared, locks, 0);
        stripe = shared.stripe(STRIPE);
    }

    private void free(int regions) {
        for (long region = 0; region < regions; region++) {
            makeFree(region);
        }
        set(SharedLayout.FREE_HINT, freeWord(3, regions));
    }

    private long claim() {
        return regions.claim(stripe, STRIPE, Use.WRITE);
    }

    @Test
    void aQuarterOfWhatStripesLeaveIsKept() {
        free(KEPT + 2);
        assertThat(claim()).isZero();
        assertThat(claim()).isEqualTo(1);
        assertThat(claim()).isEqualTo(-1);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, KEPT));
    }

    /** The file may not grow, so what a write leaves must be free. */
    @Test
    void moreIsLeftIfTheFileMayNotGrow() {
        regions.bound(data.bytes());
        free(KEPT + 2);
        assertThat(claim()).isZero();
        assertThat(claim()).isEqualTo(-1);
        regions.bound(data.regionAt(FEW + 1));
        assertThat(claim()).isEqualTo(1);
        assertThat(claim()).isEqualTo(-1);
    }

    @Test
    void claimThatFoundNothingIsForgotten() {
        free(1);
        set(SharedLayout.FREE_HINT, freeWord(3, 9));
        Steps.listen(step -> {
            if (step.equals("N2")) {
                own(0, OwnerWords.alive(0, 900), EPOCH, 0, 0);
            }
        });
        assertThat(claim()).isEqualTo(-1);
        assertThat(stripe.acquire(StripeWords.NEXT)).isZero();
    }

    /** There is just enough, and it begins with the first region. */
    @Test
    void roomThatIsThereNeedsNoGrowth() {
        free(1 + KEPT);
        set(SharedLayout.CLAIM_HINT, 7);
        regions.makeRoom(1, Use.WRITE);
        assertThat(word(SharedLayout.CLAIM_HINT)).isZero();
        assertThat(data.regions()).isEqualTo(FEW);
    }

    /** A process died while it punched the region. */
    @Test
    void punchThatNobodyEndsIsEndedFirst() {
        free(1 + KEPT);
        own(9, OwnerWords.punching(), 2, 3, 1);
        regions.makeRoom(1, Use.WRITE);
        assertThat(data.state(9)).isEqualTo(DataFile.State.HOLE);
    }

    @Test
    void fileGrowsByWhatIsNeededAndKept() {
        for (int needed : new int[] {40, 70}) {
            long before = data.regions();
            long kept = Math.clamp((before + needed + 4 - 8) / 4, 2, 4);
            long to = grown(before, needed + kept);
            regions.makeRoom(needed, Use.WRITE);
            assertThat(data.regions()).isEqualTo(to);
            assertThat(word(SharedLayout.CLAIM_HINT)).isEqualTo(before);
        }
    }

    private long grown(long from, long least) {
        return new Growth(data, shared, locks, new RegionCounts(data, shared, locks))
                .grown(from, least, Long.MAX_VALUE >> 20);
    }

    @Test
    void storeIsFullIfItMayNotGrowByWhatIsNeededAndLeft() {
        regions.bound(data.regionAt(FEW + 2 + 4));
        assertThatThrownBy(() -> regions.makeRoom(3, Use.WRITE))
                .isInstanceOfSatisfying(
                        StoreFull.class,
                        e -> assertThat(e.wanted()).isEqualTo(3L * data.regionBytes()));
        assertThat(data.regions()).isEqualTo(FEW);
        regions.makeRoom(2, Use.WRITE);
        assertThat(data.regions()).isEqualTo(FEW + 6);
    }

    /** Enough regions are free, but no three of them are neighbours. */
    @Test
    void runNeedsAsManyNewRegions() {
        for (long region = 0; region < FEW; region += 2) {
            makeFree(region);
        }
        regions.bound(data.regionAt(FEW + 2));
        assertThatThrownBy(() -> regions.makeRoom(3, Use.WRITE)).isInstanceOf(StoreFull.class);
        assertThat(data.regions()).isEqualTo(FEW);
        regions.bound(data.regionAt(FEW + 3));
        regions.makeRoom(3, Use.WRITE);
        assertThat(data.regions()).isEqualTo(FEW + 3);
    }

    @Test
    void runBelongsToTheRecordThatNamesIt() {
        own(4, OwnerWords.alive(STRIPE, 88), EPOCH, 0, 0);
        assertThat(regions.isAlive(STRIPE, run(4, 88))).isTrue();
        assertThat(regions.isAlive(STRIPE, run(4, 89))).isFalse();
        assertThat(regions.isAlive(0, run(4, 88))).isFalse();
    }

    private static RecordBytes.Run run(long region, long number) {
        return new RecordBytes.Run(Place.run(region, 2), number, 0, 0, 70_000, false);
    }

    @Test
    void wordThatNamesNoRunIsToldWithItsPlace() {
        stripe.release(StripeWords.NEXT, Place.run(FEW, 1));
        assertThatThrownBy(() -> regions.abandon(stripe, STRIPE))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("at byte " + (stripe.at() + StripeWords.NEXT) + ":");
    }
}
