package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.format.PinWords;
import dev.cairn.format.Place;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.log.DataFile.State;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.FutureTask;

/**
 * Attacks the words that count regions: what each event adds, and what a new count makes of them.
 */
@Timeout(60)
class RegionCountsTest extends RegionsFixture {
    private static final int TIMES = 50_000;

    private RegionCounts counts;

    @BeforeEach
    void count() {
        counts = new RegionCounts(data, shared, locks);
    }

    @Test
    void countsAreNeverNegative() {
        set(SharedLayout.FREE_HINT, freeWord(3, 9));
        assertThat(counts.free()).isEqualTo(9);
        assertThat(RegionCounts.free(shared)).isEqualTo(9);
        assertThat(counts.generation()).isEqualTo(3);
        set(SharedLayout.FREE_HINT, freeWord(3, -9));
        assertThat(counts.free()).isZero();
        assertThat(counts.generation()).isEqualTo(3);
        set(SharedLayout.HOLE_HINT, 4);
        assertThat(counts.holes()).isEqualTo(4);
        set(SharedLayout.HOLE_HINT, -4);
        assertThat(counts.holes()).isZero();
        set(SharedLayout.WAITING_HINT, 4);
        set(SharedLayout.CUT_WAITING_HINT, 3);
        assertThat(counts.waiting()).isEqualTo(7);
        set(SharedLayout.WAITING_HINT, -4);
        assertThat(counts.waiting()).isZero();
    }

    @Test
    void whatMustStayIsNotTaken() {
        set(SharedLayout.FREE_HINT, freeWord(7, 10));
        assertThat(counts.take(3, 8)).isFalse();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 10));
        assertThat(counts.take(3, 7)).isTrue();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 7));
        assertThat(counts.take(1, 7)).isFalse();
        assertThat(counts.take(7, 0)).isTrue();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 0));
    }

    /** The new count may have found the region free. Then it must be subtracted once more. */
    @Test
    void claimBesideANewCountIsSubtractedAgain() {
        set(SharedLayout.FREE_HINT, freeWord(7, 10));
        counts.taken(2, 7);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 10));
        assertThat(word(SharedLayout.DOUBT)).isZero();
        counts.taken(2, 6);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 8));
        assertThat(word(SharedLayout.DOUBT)).isOne();
    }

    /** The new count may have found the region free already. */
    @Test
    void regionsThatWereFreedBesideANewCountAreNotAdded() {
        set(SharedLayout.FREE_HINT, freeWord(7, 10));
        counts.freed(2, 7);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 12));
        assertThat(word(SharedLayout.DOUBT)).isZero();
        counts.freed(2, 6);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 12));
        assertThat(word(SharedLayout.DOUBT)).isOne();
    }

    @Test
    void deathBesideANewCountIsNotAdded() {
        set(SharedLayout.FREE_HINT, freeWord(7, 10));
        counts.died(7);
        assertThat(word(SharedLayout.WAITING_HINT)).isOne();
        assertThat(word(SharedLayout.DOUBT)).isZero();
        counts.died(6);
        assertThat(word(SharedLayout.WAITING_HINT)).isOne();
        assertThat(word(SharedLayout.DOUBT)).isOne();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 10));
    }

    @Test
    void whatWaitsAtACutIsFreeOnceThatIsDurable() {
        set(SharedLayout.FREE_HINT, freeWord(7, 10));
        set(SharedLayout.WAITING_HINT, 3);
        set(SharedLayout.CUT_WAITING_HINT, 1);
        counts.cut();
        assertThat(word(SharedLayout.WAITING_HINT)).isZero();
        assertThat(word(SharedLayout.CUT_WAITING_HINT)).isEqualTo(4);
        set(SharedLayout.WAITING_HINT, 2);
        counts.becomeDurable(EPOCH);
        assertThat(word(SharedLayout.DURABLE)).isEqualTo(EPOCH);
        assertThat(word(SharedLayout.CUT_WAITING_HINT)).isZero();
        assertThat(word(SharedLayout.WAITING_HINT)).isEqualTo(2);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 14));
        assertThat(word(SharedLayout.DOUBT)).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, SharedLayout.PIN_SLOTS - 1})
    void whileABackupPinsThatIsInDoubt(int slot) {
        assertThat(counts.pinned()).isFalse();
        int pin = SharedLayout.pinAt(slot);
        set(pin + PinWords.EPOCH, 4);
        assertThat(counts.pinned()).isTrue();
        set(SharedLayout.FREE_HINT, freeWord(7, 10));
        set(SharedLayout.CUT_WAITING_HINT, 1);
        counts.becomeDurable(EPOCH);
        assertThat(word(SharedLayout.DURABLE)).isEqualTo(EPOCH);
        assertThat(word(SharedLayout.CUT_WAITING_HINT)).isZero();
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 10));
        assertThat(word(SharedLayout.DOUBT)).isOne();
    }

    @Test
    void holesAreAddedAndSubtracted() {
        counts.holesMade(3);
        counts.holesMade(-1);
        assertThat(word(SharedLayout.HOLE_HINT)).isEqualTo(2);
    }

    /** Makes two free, three holes, and four that wait, one of them for the checkpoint to come. */
    private void someOfEach() {
        assertThat(count).isGreaterThan(14);
        makeFree(0, count - 1);
        makeHole(3);
        makeHole(4);
        makeHole(6);
        makeWait(7, EPOCH);
        makeWait(8, EPOCH - 1);
        makeWait(9, EPOCH - 1);
        makeWait(10, EPOCH - 1);
    }

    private void someOfEachAreCounted(long generation) {
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(generation, 2));
        assertThat(word(SharedLayout.HOLE_HINT)).isEqualTo(3);
        assertThat(word(SharedLayout.WAITING_HINT)).isOne();
        assertThat(word(SharedLayout.CUT_WAITING_HINT)).isEqualTo(3);
        assertThat(word(SharedLayout.DOUBT)).isZero();
    }

    /** The words were too low or too high before. */
    @ParameterizedTest
    @ValueSource(longs = {0, 1, 5, 100, -7})
    void newCountFindsWhatThereIs(long wrong) {
        someOfEach();
        set(SharedLayout.FREE_HINT, freeWord(7, wrong));
        set(SharedLayout.HOLE_HINT, wrong);
        set(SharedLayout.WAITING_HINT, wrong);
        set(SharedLayout.CUT_WAITING_HINT, wrong);
        set(SharedLayout.DOUBT, 1);
        long looks = counts.looks();
        assertThat(counts.counted()).isEqualTo(new RegionCounts.Census(2, 3, 4, 1));
        someOfEachAreCounted(8);
        assertThat(counts.looks() - looks).isEqualTo(count);
        counts.recount();
        someOfEachAreCounted(9);
    }

    @Test
    void onlyDoubtMakesOneCountAnew() {
        someOfEach();
        counts.recountIfDoubted();
        assertThat(word(SharedLayout.FREE_HINT)).isZero();
        counts.unpinned();
        someOfEachAreCounted(1);
        set(SharedLayout.DOUBT, 1);
        counts.recountIfDoubted();
        someOfEachAreCounted(2);
    }

    /**
     * A stripe's word names the regions. One that is claimed by now must not be subtracted again.
     */
    @Test
    void whatAStripeIsAboutToClaimIsNotFree() {
        makeFree(0, 2, 3, 11, count - 1);
        shared.stripe(0).release(StripeWords.NEXT, Place.run(2, 1));
        assertThat(counts.counted().free()).isEqualTo(4);
        shared.stripe(STRIPES - 1).release(StripeWords.NEXT_RUN, Place.run(10, 3));
        assertThat(counts.counted().free()).isEqualTo(3);
        shared.stripe(0).release(StripeWords.NEXT, Place.run(1, 1));
        assertThat(counts.counted().free()).isEqualTo(4);
        shared.stripe(0).release(StripeWords.NEXT, Place.run(count - 1, 9));
        assertThat(counts.counted().free())
                .as("free regions, without any beyond the file")
                .isEqualTo(3);
        shared.stripe(0).release(StripeWords.NEXT, Place.run(0, 1));
        assertThat(counts.counted().free()).isEqualTo(3);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(5, 3));
    }

    @Test
    void neighboursInTheSameStatesAreFound() {
        makeFree(1, 2, 4, 5, 6);
        makeHole(3);
        EnumSet<State> free = EnumSet.of(State.FREE);
        assertThat(counts.run(0, count, 1, free)).isEqualTo(1);
        assertThat(counts.run(0, count, 2, free)).isEqualTo(1);
        assertThat(counts.run(0, count, 3, free)).isEqualTo(4);
        assertThat(counts.run(0, 7, 3, free)).isEqualTo(4);
        assertThat(counts.run(0, 6, 3, free)).isEqualTo(-1);
        assertThat(counts.run(2, count, 2, free)).isEqualTo(4);
        assertThat(counts.run(0, count, 4, free)).isEqualTo(-1);
        assertThat(counts.run(0, count, 6, EnumSet.of(State.FREE, State.HOLE))).isEqualTo(1);
    }

    @Test
    void whatThreadsTakeAndFreeAddsUp() throws Exception {
        set(SharedLayout.FREE_HINT, freeWord(7, 10 * TIMES));
        List<FutureTask<Long>> threads = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            FutureTask<Long> thread =
                    new FutureTask<>(() -> {
                        long taken = 0;
                        for (int turn = 0; turn < TIMES; turn++) {
                            taken += counts.take(3, 0) ? 3 : 0;
                            counts.freed(1, 7);
                            counts.taken(1, 6);
                        }
                        return taken;
                    });
            threads.add(thread);
            Thread.ofPlatform().start(thread);
        }
        long taken = 0;
        for (FutureTask<Long> thread : threads) {
            taken += thread.get();
        }
        assertThat(taken).isEqualTo(6 * TIMES);
        assertThat(word(SharedLayout.FREE_HINT)).isEqualTo(freeWord(7, 4 * TIMES));
    }
}
