package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.log.Appender.Placement;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Attacks a follower with a log that changes under it: each new record must be told once and in
 * order, or the loss must be told.
 */
@Timeout(60)
class FollowerTest extends ChainFixture {
    /** Stands for a loss among the versions that were told. */
    private static final long LOST = -1;

    private final List<Chain.Entry> told = new ArrayList<>();
    private final List<Long> versions = new ArrayList<>();
    private final Follower.Sink sink =
            new Follower.Sink() {
                @Override
                public void record(Chain.Entry entry) {
                    told.add(entry);
                    versions.add(entry.version());
                }

                @Override
                public void lost() {
                    versions.add(LOST);
                }
            };

    private Follower follow() {
        Follower follower = new Follower(data, words, STRIPE);
        assertThat(follower.stirred()).isFalse();
        assertThat(follower.read(sink)).isFalse();
        return follower;
    }

    /** Reads until nothing is new; then the follower must know that. */
    private void readAll(Follower follower) {
        int before = versions.size();
        while (follower.read(sink)) {
            assertThat(versions.size()).isGreaterThan(before);
            before = versions.size();
        }
        assertThat(versions).hasSize(before);
        assertThat(follower.stirred()).isFalse();
    }

    private void wereTold(long... expected) {
        assertThat(versions).containsExactlyElementsOf(LongStream.of(expected).boxed().toList());
    }

    /** Does something once, when the follower reaches a step. */
    private static void once(String step, Runnable what) {
        boolean[] done = {false};
        Steps.listen(reached -> {
            if (reached.equals(step) && !done[0]) {
                done[0] = true;
                what.run();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void eachRecordIsToldOnceAndInOrder(boolean afterOthers) {
        if (afterOthers) {
            appendLarge(9);
        }
        int first = drafts.size();
        Follower follower = follow();
        many();
        assertThat(follower.stirred()).isTrue();
        readAll(follower);
        are(told, first);
        append(Content.key(1), Content.value(1, 2, 10), 0);
        assertThat(follower.read(sink)).isTrue();
        are(told, first);
        assertThat(follower.read(sink)).isFalse();
    }

    /** A window ends with the key that makes it 256 KiB of keys. */
    @Test
    void keysOfAWindowAreBounded() {
        Follower follower = follow();
        for (int i = 0; i < 10; i++) {
            append(Content.key(i, 1 << 15), Content.value(i, 1, 10), 0);
        }
        assertThat(follower.read(sink)).isTrue();
        assertThat(told).hasSize(8);
        readAll(follower);
        are(told, 0);
    }

    @Test
    void versionOfTheLastOverwriteInPlaceThatWasToldIsNoLoss() {
        Follower follower = follow();
        appendLarge(3);
        readAll(follower);
        words.release(StripeWords.IN_PLACE_VERSION, 3);
        appendLarge(1);
        readAll(follower);
        wereTold(1, 2, 3, 4);
        appendLarge(1);
        words.release(StripeWords.IN_PLACE_VERSION, 5);
        assertThat(follower.read(sink)).isTrue();
        wereTold(1, 2, 3, 4, LOST);
        assertThat(follower.read(sink)).isFalse();
        appendLarge(1);
        readAll(follower);
        wereTold(1, 2, 3, 4, LOST, 6);
    }

    /** Nothing is appended then, and nothing else says that the entry changed. */
    @Test
    void overwriteInPlaceAloneIsALoss() {
        appendLarge(2);
        Follower follower = follow();
        words.release(StripeWords.IN_PLACE_VERSION, 3);
        words.release(StripeWords.VERSION, 3);
        assertThat(follower.read(sink)).isTrue();
        wereTold(LOST);
        assertThat(follower.read(sink)).isFalse();
    }

    /** A writer that died had stored its version and not yet its tail. */
    @Test
    void versionWithoutARecordIsNoNews() {
        appendLarge(2);
        Follower follower = follow();
        words.release(StripeWords.VERSION, 3);
        assertThat(follower.stirred()).isTrue();
        assertThat(follower.read(sink)).isFalse();
        appendLarge(2);
        assertThat(follower.read(sink)).isTrue();
        wereTold(3, 4);
    }

    /** F7: what was copied meanwhile is not told. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void overwriteInPlaceDuringTheCopyIsALoss(boolean torn) {
        Follower follower = follow();
        appendLarge(3);
        if (torn) {
            damage(placements.get(1).offset() + 100);
        }
        once("F4", () -> words.release(StripeWords.IN_PLACE_VERSION, 3));
        assertThat(follower.read(sink)).isTrue();
        wereTold(LOST);
        appendLarge(2);
        assertThat(follower.read(sink)).isTrue();
        wereTold(LOST, 4, 5);
    }

    /** F4: bytes of another life are neither told nor called damage. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void regionThatIsClaimedDuringTheCopyIsNotTold(boolean torn) {
        Follower follower = follow();
        appendLarge(3);
        long region = data.regionOf(placements.getFirst().offset());
        long number = data.number(region);
        if (torn) {
            damage(placements.get(1).offset() + 100);
        }
        once("F4", () -> giveAway(region));
        assertThat(follower.read(sink)).isFalse();
        wereTold();
        if (torn) {
            damage(placements.get(1).offset() + 100);
        }
        own(region, OwnerWords.alive(STRIPE, number), EPOCH, 0, 0);
        readAll(follower);
        are(told, 0);
    }

    /** F4: the follower knows what comes behind the region, and must not go on with that. */
    @Test
    void regionThatIsEvacuatedDuringTheCopyIsALoss() {
        appendLarge(3);
        Follower follower = follow();
        appendLarge(20);
        RegionHeader oldest = evacuateOldest();
        once("F4", () -> giveAway(oldest.region()));
        assertThat(follower.read(sink)).isTrue();
        wereTold(LOST);
    }

    @Test
    void damageIsThrownWhereTheLogWouldGoOn() {
        Follower follower = follow();
        appendLarge(3);
        damage(placements.get(1).offset() + 100);
        assertThatThrownBy(() -> follower.read(sink))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("at byte " + placements.get(1).offset());
        wereTold();
        damage(placements.get(1).offset() + 100);
        readAll(follower);
        are(told, 0);
    }

    @Test
    void copiesAreNotNewsAndMoveThePosition() {
        appendLarge(7);
        Follower follower = follow();
        Chain.Entry copied = entries().get(6);
        Placement copy = appendCopy(copied);
        assertThat(data.regionOf(copy.offset())).isNotEqualTo(data.regionOf(copied.offset()));
        assertThat(follower.read(sink)).isFalse();
        giveAway(evacuateOldest().region());
        append(Content.key(20), Content.value(20, 1, 10), 0);
        readAll(follower);
        wereTold(8);
    }

    /** They have a region to themselves; the last one is of the record that was told last. */
    @Test
    void windowOfCopiesIsPassedOver() {
        appendLarge(7);
        Follower follower = follow();
        entries().forEach(this::appendCopy);
        append(Content.key(20), Content.value(20, 1, 9_000), 0);
        assertThat(headers()).hasSize(3);
        assertThat(follower.read(sink)).isTrue();
        wereTold(8);
        assertThat(follower.read(sink)).isFalse();
    }

    /** F1: the tail that was loaded lies in a region that is another stripe's by now. */
    @Test
    void positionIsNotMovedToARegionThatIsGone() {
        appendLarge(7);
        Follower follower = follow();
        long region = data.regionOf(appendCopy(entries().getFirst()).offset());
        long number = data.number(region);
        once("F1", () -> giveAway(region));
        assertThat(follower.read(sink)).isFalse();
        own(region, OwnerWords.alive(STRIPE, number), EPOCH, 0, 0);
        appendLarge(1);
        readAll(follower);
        wereTold(8);
    }

    /** F6: what was not told is among the copies, and what was told is not told again. */
    @ParameterizedTest
    @ValueSource(ints = {10, 3})
    void foldedRegionIsReadWhereItsCopiesAre(int before) {
        appendLarge(before);
        Follower follower = follow();
        appendLarge(3);
        readAll(follower);
        appendLarge(1);
        RegionHeader folded = headers().getLast();
        List<Chain.Entry> inTail = entriesIn(folded);
        assertThat(inTail).hasSize(7);
        List<Chain.Entry> keep = List.of(inTail.get(1), inTail.get(4), inTail.get(6));
        fold(folded, keep);
        bury(folded.region(), folded.number());
        giveAway(folded.region());
        readAll(follower);
        long last = 3L + before;
        List<Long> expected = new ArrayList<>();
        LongStream.rangeClosed(1L + before, last).forEach(expected::add);
        keep.stream()
                .map(Chain.Entry::version)
                .filter(version -> version > last)
                .forEach(expected::add);
        expected.add((long) drafts.size());
        assertThat(versions).isEqualTo(expected);
    }

    /**
     * F5: the stripe claimed the region of the tail that was loaded, and has not written its header.
     */
    @Test
    void regionThatIsClaimedAgainBeforeItsHeaderIsWrittenIsNoDamage() {
        appendLarge(3);
        Follower follower = follow();
        appendLarge(18);
        once("F5", this::foldTailAndClaimItAgain);
        readAll(follower);
        List<Long> expected = new ArrayList<>();
        LongStream.rangeClosed(4, 22).filter(version -> version != 18).forEach(expected::add);
        assertThat(versions).isEqualTo(expected);
    }

    private List<Chain.Entry> entriesIn(RegionHeader header) {
        return entries().stream()
                .filter(entry -> data.regionOf(entry.offset()) == header.region())
                .toList();
    }

    /** Folds the tail region, which is full of large entries, and appends one more. */
    private void fold(RegionHeader folded, List<Chain.Entry> keep) {
        append(
                Draft.of(Content.key(50), new byte[9_000], 0, REGION_BYTES),
                new Appender.Fold(folded, keep, 7 * 9_040));
    }

    private void foldTailAndClaimItAgain() {
        RegionHeader folded = headers().getLast();
        List<Chain.Entry> keep =
                entriesIn(folded).stream().filter(entry -> entry.version() != 18).toList();
        assertThat(keep).hasSize(6);
        fold(folded, keep);
        assertThat(headers().getLast().region()).isNotEqualTo(folded.region());
        own(folded.region(), OwnerWords.alive(STRIPE, folded.number() + 1_000), EPOCH, 0, 0);
        damage(data.regionAt(folded.region()) + 1);
    }

    @Test
    void evacuatedRegionIsReadUntilItIsClaimed() {
        appendLarge(3);
        Follower follower = follow();
        appendLarge(20);
        evacuateOldest();
        readAll(follower);
        are(told, 3);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWasEvacuatedAndClaimedIsALoss(boolean fromTheStart) {
        if (!fromTheStart) {
            appendLarge(3);
        }
        Follower follower = follow();
        appendLarge(23 - drafts.size());
        giveAway(evacuateOldest().region());
        assertThat(follower.read(sink)).isTrue();
        wereTold(LOST);
        appendLarge(2);
        readAll(follower);
        wereTold(LOST, 24, 25);
    }

    /** The chain had been given up to a region before the follower began. */
    @Test
    void followerOfAnEmptyStripeLosesNothingThatWasGoneBefore() {
        words.release(StripeWords.EVACUATED, word(SharedLayout.ALLOCATIONS));
        Follower follower = follow();
        appendLarge(15);
        readAll(follower);
        are(told, 0);
    }

    /** After the stripe was emptied nothing is told, until there is a tail again. */
    @Test
    void stripeWithoutATailHasNoNews() {
        appendLarge(2);
        Follower follower = follow();
        RegionHeader gone = headers().getFirst();
        appendLarge(1);
        words.release(StripeWords.TAIL, 0);
        words.release(StripeWords.OLDEST, 0);
        words.release(StripeWords.EVACUATED, gone.number());
        giveAway(gone.region());
        assertThat(follower.read(sink)).isFalse();
        wereTold();
        appendLarge(1);
        assertThat(follower.read(sink)).isTrue();
        wereTold(LOST);
    }

    /** It is thrown as often as the follower reads, and no region is skipped meanwhile. */
    @Test
    void chainThatDoesNotLeadBackIsDamage() {
        appendLarge(3);
        Follower follower = follow();
        appendLarge(20);
        RegionHeader tail = headers().getLast();
        RegionHeader middle = headers().get(2);
        assertThat(middle.number()).isLessThan(tail.number());
        setHeader(
                new RegionHeader(
                        middle.region(),
                        middle.number(),
                        STRIPE,
                        0,
                        middle.predecessor(),
                        middle.number()));
        for (int times = 0; times < 2; times++) {
            assertThatThrownBy(() -> follower.read(sink))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining(
                            "a region whose predecessor is an earlier one of stripe 1")
                    .hasMessageContaining(
                            "region %d, number %d"
                                    .formatted(middle.predecessor() - 1, middle.number()));
        }
        damage(data.regionAt(middle.region()) + 1);
        for (int times = 0; times < 2; times++) {
            assertThatThrownBy(() -> follower.read(sink))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("bytes without a valid checksum");
        }
        wereTold();
        setHeader(middle);
        readAll(follower);
        are(told, 3);
    }

    /** The key of a put may be gone, because a later record of the key is told. */
    @ParameterizedTest
    @ValueSource(ints = {RecordLayout.PUT, RecordLayout.TOMBSTONE})
    void keyThatIsGoneMustHaveBeenSuperseded(int kind) {
        Follower follower = follow();
        append(Content.key(1), Content.value(1, 1, 10), 0);
        boolean put = kind == RecordLayout.PUT;
        append(Content.key(2, 20_000), put ? Content.value(2, 1, 10) : null, 0);
        append(Content.key(3), Content.value(3, 1, 10), 0);
        long run = Place.region(placements.get(1).run());
        damage(data.regionAt(run) + 1_000);
        assertThatThrownBy(() -> follower.read(sink))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("at byte " + placements.get(1).offset())
                .hasMessageContaining("which is not superseded");
        wereTold();
        giveAway(run);
        assertThat(follower.read(sink)).isTrue();
        wereTold(put ? new long[] {1, 3} : new long[] {LOST});
        assertThat(follower.read(sink)).isFalse();
    }
}
