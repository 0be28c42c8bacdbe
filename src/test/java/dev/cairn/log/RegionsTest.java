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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;

/**
 * Attacks regions: who gets which, how many stay, and what the words say of them (RULES 25 and 27).
 */
@Timeout(60)
class RegionsTest extends RegionsFixture {
    private static final int STRIPE = 1;

    /** How many regions a write leaves in a file of this size, free or not. */
    private static final int LEFT = STRIPES + 2;

    private Regions regions;
    private StripeWords stripe;

    @BeforeEach
    void bound() {
        regions = new Regions(data, shared, locks, data.bytes());
        stripe = shared.stripe(STRIPE);
        assertThat(count).isBetween(24L, 200L);
    }

    /** Makes regions free and counts them. */
    private void free(long... which) {
        makeFree(which);
        set(SharedLayout.FREE_HINT, freeWord(3, which.length));
    }

    private void isMine(long region, long number) {
        assertThat(owner(region, OwnerWords.OWNER)).isEqualTo(OwnerWords.alive(STRIPE, number));
        assertThat(owner(region, OwnerWords.BIRTH)).isEqualTo(EPOCH);
        assertThat(regions.isAlive(STRIPE, region, number)).isTrue();
        assertThat(regions.isAlive(STRIPE, region, number + 1)).isFalse();
        assertThat(regions.isAlive(0, region, number)).isFalse();
    }

    @Test
    void claimedRegionIsTheStripes() {
        free(5, 8, 9, 12, 15, 20);
        makeHole(1);
        makeWait(2, EPOCH);
        set(SharedLayout.HOLE_HINT, 1);
        long number = word(SharedLayout.ALLOCATIONS);
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(5);
        assertThat(stripe.acquire(StripeWords.NEXT)).isEqualTo(Place.run(5, 1));
        assertThat(stripe.acquire(StripeWords.NEXT_NUMBER)).isEqualTo(number + 1);
        isMine(5, number + 1);
        assertThat(word(SharedLayout.ALLOCATIONS)).isEqualTo(number + 1);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 5));
        assertThat(word(SharedLayout.CLAIM_HINT)).isEqualTo(6);
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(8);
        isMine(8, number + 2);
        set(SharedLayout.CLAIM_HINT, count - 1);
        assertThat(regions.claim(stripe, STRIPE, Use.REMOVE))
                .as("region found round the end")
                .isEqualTo(9);
        assertThat(word(SharedLayout.DOUBT)).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void someRegionsAreForMoreUrgentUses(Use use) {
        int left =
                switch (use) {
                    case WRITE -> LEFT;
                    case REMOVE -> 2;
                    case EVACUATE -> 0;
                };
        free(0, 2, 4, 6, 8, 10);
        for (int taken = 0; taken < 6 - left; taken++) {
            assertThat(regions.claim(stripe, STRIPE, use)).isEqualTo(2L * taken);
        }
        assertThat(regions.claim(stripe, STRIPE, use)).isEqualTo(-1);
        assertThat(regions.claimRun(stripe, STRIPE, 1, use)).isEqualTo(-1);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, left));
        if (left > 0) {
            assertThat(regions.claim(stripe, STRIPE, Use.EVACUATE)).isPositive();
        }
    }

    /**
     * What is kept must lie in the file, so that a full disk does no harm. The rest may be growth.
     */
    @Test
    void fileThatMayGrowLeavesLess() {
        free(0, 2, 4, 6, 8);
        long kept = Math.clamp((count - 4L * STRIPES) / 4, 2, LEFT);
        regions.bound(data.regionAt(count + 3));
        for (int taken = 0; taken < 5 - kept; taken++) {
            assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(2L * taken);
        }
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(-1);
        assertThat(regions.most()).isEqualTo(count + 3);
        assertThat(regions.claimable(true)).isEqualTo(kept + 3);
        assertThat(regions.claimable(false)).isEqualTo(kept);
        set(SharedLayout.HOLE_HINT, 2);
        assertThat(regions.claimable(false)).isEqualTo(kept + 2);
        regions.bound(0);
        assertThat(regions.most()).isEqualTo(data.regionOf(Place.END));
    }

    @Test
    void countThatIsTooHighClaimsNothing() {
        set(SharedLayout.FREE_HINT, freeWord(3, 9));
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(-1);
        assertThat(regions.claimRun(stripe, STRIPE, 2, Use.WRITE)).isEqualTo(-1);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 9));
        assertThat(stripe.acquire(StripeWords.NEXT)).isZero();
        assertThat(stripe.acquire(StripeWords.NEXT_RUN)).isZero();
    }

    /** RULE 25: since it was judged, the region had died and been claimed again. */
    @Test
    void regionThatAnotherClaimedMeanwhileIsLeftToIt() {
        free(5, 8, 9, 12, 15, 20);
        long others = OwnerWords.alive(0, 77);
        Steps.listen(step -> {
            if (step.equals("N2") && owner(5, OwnerWords.OWNER) != others) {
                own(5, others, EPOCH, 0, 0);
            }
        });
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(8);
        assertThat(owner(5, OwnerWords.OWNER)).isEqualTo(others);
        assertThat(stripe.acquire(StripeWords.NEXT)).isEqualTo(Place.run(8, 1));
    }

    @Test
    void abandonedRegionIsFreeAtOnceAndClaimedNext() {
        free(5, 8, 9, 12, 15, 20);
        long region = regions.claim(stripe, STRIPE, Use.WRITE);
        long number = stripe.acquire(StripeWords.NEXT_NUMBER);
        regions.abandon(stripe, STRIPE);
        assertThat(stripe.acquire(StripeWords.NEXT)).isZero();
        assertThat(owner(region, OwnerWords.OWNER))
                .isEqualTo(OwnerWords.dead(OwnerWords.alive(STRIPE, number)));
        assertThat(owner(region, OwnerWords.DEATH)).isEqualTo(EPOCH);
        assertThat(data.free(region)).isTrue();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 6));
        regions.abandon(stripe, STRIPE);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 6));
        assertThat(word(SharedLayout.CLAIM_HINT)).isEqualTo(region + 1);
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(region);
        isMine(region, number + 1);
    }

    /** A claim that died before N2 named a region that somebody else has by now. */
    @Test
    void abandonedClaimTakesNothingFromOthers() {
        long others = owner(5, OwnerWords.OWNER);
        set(SharedLayout.FREE_HINT, freeWord(3, 1));
        stripe.release(StripeWords.NEXT_NUMBER, 999);
        stripe.release(StripeWords.NEXT, Place.run(5, 1));
        regions.abandon(stripe, STRIPE);
        assertThat(owner(5, OwnerWords.OWNER)).isEqualTo(others);
        assertThat(owner(5, OwnerWords.DEATH)).isZero();
        assertThat(stripe.acquire(StripeWords.NEXT)).isZero();
    }

    @Test
    void runIsOfNeighbours() {
        free(1, 2, 4, 5, 6, 9, 10, 11, 12, 13, 14);
        long number = word(SharedLayout.ALLOCATIONS);
        assertThat(regions.claimRun(stripe, STRIPE, 3, Use.WRITE)).isEqualTo(4);
        assertThat(stripe.acquire(StripeWords.NEXT_RUN)).isEqualTo(Place.run(4, 3));
        assertThat(stripe.acquire(StripeWords.NEXT_RUN_NUMBER)).isEqualTo(number + 1);
        for (long region = 4; region < 7; region++) {
            isMine(region, number + 1);
        }
        assertThat(data.free(2)).isTrue();
        assertThat(data.free(9)).isTrue();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 8));
        assertThat(word(SharedLayout.CLAIM_HINT)).isEqualTo(7);
        assertThat(regions.claimRun(stripe, STRIPE, 5, Use.WRITE))
                .as("run, since 4 must stay")
                .isEqualTo(-1);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 8));
        regions.abandonRun(stripe, STRIPE);
        assertThat(stripe.acquire(StripeWords.NEXT_RUN)).isZero();
        for (long region = 4; region < 7; region++) {
            assertThat(data.free(region)).isTrue();
        }
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 11));
        assertThat(regions.claimRun(stripe, STRIPE, 2, Use.WRITE)).isEqualTo(4);
        assertThat(word(SharedLayout.CLAIM_HINT))
                .as("hint, since nothing was searched")
                .isEqualTo(7);
        assertThat(regions.claimRun(stripe, STRIPE, 1, Use.WRITE)).isEqualTo(6);
    }

    @Test
    void runOfWhichAnotherClaimedARegionMeanwhileIsGivenBack() {
        free(4, 5, 6, 9, 10, 11, 12, 13, 14);
        long others = OwnerWords.alive(0, 77);
        Steps.listen(step -> {
            if (step.equals("N3 run")) {
                own(6, others, EPOCH, 0, 0);
            }
        });
        assertThat(regions.claimRun(stripe, STRIPE, 3, Use.WRITE)).isEqualTo(-1);
        assertThat(owner(6, OwnerWords.OWNER)).isEqualTo(others);
        assertThat(data.free(4)).isTrue();
        assertThat(data.free(5)).isTrue();
        assertThat(stripe.acquire(StripeWords.NEXT_RUN)).isZero();
    }

    /** A new count that did not know of the claim let others take what must be kept. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void claimIsGivenBackIfTooFewAreLeftByANewCount(boolean tooFew) {
        free(4, 5, 6, 9, 10, 11, 12, 13);
        long kept = Math.clamp((count - 4L * STRIPES) / 4, 2, LEFT);
        Steps.listen(step -> {
            if (step.equals("N2") || step.equals("N2 run")) {
                long old = word(SharedLayout.FREE_HINT) >>> 40;
                long left = kept + (tooFew ? 0 : 2);
                set(SharedLayout.FREE_HINT, freeWord(old + 1, left));
            }
        });
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(tooFew ? -1 : 4);
        assertThat(data.free(4)).isEqualTo(tooFew);
        assertThat(stripe.acquire(StripeWords.NEXT) == 0).isEqualTo(tooFew);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(4, kept + (tooFew ? 0 : 1)));
        assertThat(word(SharedLayout.DOUBT)).isOne();
        set(SharedLayout.FREE_HINT, freeWord(4, 9));
        stripe.release(StripeWords.NEXT, 0);
        assertThat(regions.claimRun(stripe, STRIPE, 2, Use.WRITE)).isEqualTo(tooFew ? -1 : 5);
        assertThat(data.free(5)).isEqualTo(tooFew);
        assertThat(stripe.acquire(StripeWords.NEXT_RUN) == 0).isEqualTo(tooFew);
    }

    @Test
    void buriedRegionWaitsForTheCheckpointUnlessItWasBornAfterTheLast() {
        set(SharedLayout.FREE_HINT, freeWord(3, 0));
        own(4, OwnerWords.alive(STRIPE, 50), 2, 0, 0);
        own(5, OwnerWords.alive(STRIPE, 50), EPOCH, 0, 0);
        own(6, OwnerWords.alive(STRIPE, 51), 2, 0, 0);
        regions.bury(stripe, STRIPE, Place.run(4, 3), 50, EPOCH);
        assertThat(owner(4, OwnerWords.OWNER))
                .isEqualTo(OwnerWords.dead(OwnerWords.alive(STRIPE, 50)));
        assertThat(owner(4, OwnerWords.DEATH)).isEqualTo(EPOCH);
        assertThat(data.state(4)).isEqualTo(DataFile.State.WAITING);
        assertThat(data.state(5)).isEqualTo(DataFile.State.FREE);
        assertThat(data.state(6))
                .as("state of a region with another number")
                .isEqualTo(DataFile.State.ALIVE);
        assertThat(owner(6, OwnerWords.DEATH)).isZero();
        assertThat(word(SharedLayout.WAITING_HINT)).isOne();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 1));
        regions.bury(stripe, STRIPE, Place.run(4, 3), 50, EPOCH + 1);
        assertThat(owner(4, OwnerWords.DEATH)).as("epoch of an earlier death").isEqualTo(EPOCH);
        assertThat(word(SharedLayout.WAITING_HINT)).isOne();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(3, 1));
    }

    /** Regions that died first must be claimed first, as soon as that is allowed. */
    @Test
    void buriedRegionsAreClaimedOnceTheyAreFree() {
        free(9, 10, 11, 12, 13, 14, 15, 16);
        own(20, OwnerWords.alive(STRIPE, 50), 2, 0, 0);
        own(21, OwnerWords.alive(STRIPE, 50), 2, 0, 0);
        regions.bury(stripe, STRIPE, Place.run(20, 2), 50, EPOCH);
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(9);
        set(SharedLayout.DURABLE, EPOCH);
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(20);
        assertThat(regions.claimRun(stripe, STRIPE, 1, Use.WRITE)).isEqualTo(21);
        assertThat(regions.claim(stripe, STRIPE, Use.WRITE)).isEqualTo(10);
    }

    @Test
    void wordsThatNameNoRunAreDamage() {
        for (long wrong : new long[] {1, 7, Place.run(count, 1), Place.run(count - 1, 2)}) {
            stripe.release(StripeWords.NEXT, wrong);
            assertThatThrownBy(() -> regions.abandon(stripe, STRIPE))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("a run within the " + count + " regions of the file");
            assertThatThrownBy(() -> regions.bury(stripe, STRIPE, wrong, 50, EPOCH))
                    .isInstanceOf(CorruptStore.class);
        }
        stripe.release(StripeWords.NEXT, Place.run(count - 1, 1));
        regions.abandon(stripe, STRIPE);
    }

    @Test
    void regionIsAdoptedByOneStripeOnly() {
        own(4, 0, 0, 0, 0);
        own(5, 0, 0, 0, 0);
        regions.adopt(STRIPE, 4, 2, 60);
        assertThat(owner(4, OwnerWords.OWNER)).isEqualTo(OwnerWords.alive(STRIPE, 60));
        assertThat(owner(5, OwnerWords.OWNER)).isEqualTo(OwnerWords.alive(STRIPE, 60));
        assertThat(owner(6, OwnerWords.OWNER)).isEqualTo(OwnerWords.alive(1, 106));
        assertThatThrownBy(() -> regions.adopt(0, 5, 1, 61))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("a region that belongs to stripe 0 alone")
                .hasMessageContaining("one that belongs to stripe 1, too");
    }

    @Test
    void fullStoreSaysWhatHelps() {
        makeWait(4, EPOCH);
        makeWait(5, EPOCH);
        assertThatThrownBy(() -> regions.makeRoom(1, Use.WRITE))
                .isInstanceOf(StoreFull.class)
                .hasMessageContaining("the store may have %d regions".formatted(count))
                .hasMessageContaining(
                        "a checkpoint would free %d bytes".formatted(2 * data.regionBytes()));
        assertThat(word(SharedLayout.WAITING_HINT))
                .as("regions that were counted as waiting")
                .isEqualTo(2);
        makeFree(4, 5);
        assertThatThrownBy(() -> regions.makeRoom(1, Use.REMOVE))
                .isInstanceOf(StoreFull.class)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("a checkpoint would"));
    }

    /** The count did not know of this room. */
    @Test
    void roomThatIsThereIsFoundInTheWholeFile() {
        makeFree(3, 5, 8, 9, 10, 13, 16, 19, 20);
        regions.makeRoom(3, Use.WRITE);
        assertThat(word(SharedLayout.CLAIM_HINT)).isEqualTo(8);
        assertThat(regions.counts().free()).isEqualTo(9);
        assertThat(data.regions()).isEqualTo(count);
        List<Long> claimed = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            claimed.add(regions.claim(stripe, STRIPE, Use.WRITE));
        }
        assertThat(claimed)
                .as("regions from the first run on")
                .containsExactly(8L, 9L, 10L, 13L, 16L);
    }
}
