package dev.cairn.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.LockTimeout;
import dev.cairn.format.ClaimWords;
import dev.cairn.format.LockWord;
import dev.cairn.format.ProcessWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.lock.Claims.Result;
import dev.cairn.os.ProcessIdentity;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/** Attacks claims: who gets one, beside a process that lives until its incarnation changes. */
class ClaimsTest {
    private static final int BUCKET = 5;
    private static final long HASH = BUCKET + 100 * SharedLayout.CLAIM_BUCKETS;
    private static final int OTHER = 7;
    private static final long ANOTHER = LockWord.of(OTHER, 1);
    private static final long SHORT = TimeUnit.MILLISECONDS.toNanos(1);

    private final MemorySegment memory = Arena.ofAuto().allocate(SharedLayout.stripeAt(1), 64);
    private final ProcessTable processes = ProcessTable.solitary(Path.of("store"), memory);
    private final Contention contention = new Contention();
    private final Claims claims = new Claims(memory, processes, contention, SHORT);

    @BeforeEach
    void bothLive() {
        ProcessIdentity self = ProcessIdentity.self();
        enter(LockWord.slot(processes.word()), self.pid());
        enter(OTHER, self.pid() + 1);
    }

    private void enter(int slot, long pid) {
        ProcessIdentity self = ProcessIdentity.self();
        long at = SharedLayout.processAt(slot);
        Words.release(memory, at + ProcessWords.INCARNATION, 1);
        Words.release(memory, at + ProcessWords.PID, pid);
        Words.release(memory, at + ProcessWords.PID_NAMESPACE, self.pidNamespace());
        Words.release(memory, at + ProcessWords.TIME_NAMESPACE, self.timeNamespace());
    }

    private void otherDies() {
        Words.release(memory, SharedLayout.processAt(OTHER) + ProcessWords.INCARNATION, 2);
    }

    /** A hash of the same bucket. */
    private static long near(long number) {
        return HASH + (number + 1) * SharedLayout.CLAIM_BUCKETS;
    }

    private static long at(int claim) {
        return SharedLayout.claimBucketAt(BUCKET)
                + ClaimWords.CLAIMS
                + (long) claim * ClaimWords.CLAIM_BYTES;
    }

    private void place(int claim, long hash, long owner) {
        Words.release(memory, at(claim) + ClaimWords.HASH, hash);
        Words.release(memory, at(claim) + ClaimWords.OWNER, owner);
    }

    private long owner(int claim) {
        return Words.acquire(memory, at(claim) + ClaimWords.OWNER);
    }

    private long hash(int claim) {
        return Words.acquire(memory, at(claim) + ClaimWords.HASH);
    }

    private static long lockAt(int bucket) {
        return SharedLayout.claimBucketAt(bucket) + ClaimWords.LOCK;
    }

    @Test
    void claimIsMadeInItsBucketUntilItIsGivenBack() {
        assertThat(claims.holder(HASH)).isEmpty();
        assertThat(claims.claim(HASH)).isEqualTo(Result.MINE);
        assertThat(owner(0)).isEqualTo(processes.word());
        assertThat(hash(0)).isEqualTo(HASH);
        assertThat(claims.holder(HASH)).hasValue(ProcessIdentity.self().pid());
        assertThat(claims.holder(near(0))).isEmpty();
        assertThat(Words.acquire(memory, lockAt(BUCKET))).isZero();
        claims.release(HASH);
        assertThat(owner(0)).isZero();
        assertThat(claims.holder(HASH)).isEmpty();
    }

    /** The hash of a claim that was given back still stands there. */
    @Test
    void claimThatNobodyOwnsIsNone() {
        place(3, HASH, 0);
        assertThat(claims.holder(HASH)).isEmpty();
        assertThat(claims.claim(HASH)).isEqualTo(Result.MINE);
        assertThat(owner(0)).isEqualTo(processes.word());
        assertThat(owner(3)).isZero();
    }

    @Test
    void oneHashHasOneClaim() {
        assertThat(claims.claim(near(0))).isEqualTo(Result.MINE);
        assertThat(claims.claim(HASH)).isEqualTo(Result.MINE);
        claims.release(near(0));
        assertThat(claims.claim(HASH)).isEqualTo(Result.MINE);
        assertThat(owner(0)).isZero();
        assertThat(owner(1)).isEqualTo(processes.word());
        assertThat(hash(1)).isEqualTo(HASH);
    }

    /** This holds behind a free place too. */
    @Test
    void claimOfALiveProcessIsAnothers() {
        place(1, near(0), processes.word());
        place(2, HASH, ANOTHER);
        assertThat(claims.claim(HASH)).isEqualTo(Result.ANOTHERS);
        assertThat(owner(0)).isZero();
        assertThat(owner(2)).isEqualTo(ANOTHER);
        assertThat(claims.holder(HASH)).hasValue(ProcessIdentity.self().pid() + 1);
    }

    @Test
    void claimOfADeadProcessIsTakenOver() {
        place(2, HASH, ANOTHER);
        otherDies();
        assertThat(claims.claim(HASH)).isEqualTo(Result.MINE);
        assertThat(owner(2)).isEqualTo(processes.word());
        assertThat(owner(0)).isZero();
    }

    @Test
    void inAFullBucketTheDeadMakeRoom() {
        for (int i = 0; i < ClaimWords.COUNT; i++) {
            place(i, near(i), i == 1 || i == ClaimWords.COUNT - 1 ? ANOTHER : processes.word());
        }
        assertThat(claims.claim(HASH)).isEqualTo(Result.NO_ROOM);
        assertThat(claims.holder(HASH)).isEmpty();
        otherDies();
        assertThat(claims.claim(HASH)).isEqualTo(Result.MINE);
        assertThat(claims.claim(HASH + 1_000L * SharedLayout.CLAIM_BUCKETS)).isEqualTo(Result.MINE);
        assertThat(claims.claim(HASH + 2_000L * SharedLayout.CLAIM_BUCKETS))
                .isEqualTo(Result.NO_ROOM);
        for (int i = 0; i < ClaimWords.COUNT; i++) {
            assertThat(owner(i)).as("owner of claim %d", i).isEqualTo(processes.word());
        }
        assertThat(hash(0)).as("hash of a claim that is alive").isEqualTo(near(0));
    }

    @Test
    void theLastPlaceOfABucketIsUsed() {
        for (int i = 0; i < ClaimWords.COUNT - 1; i++) {
            place(i, near(i), ANOTHER);
        }
        assertThat(claims.claim(HASH)).isEqualTo(Result.MINE);
        int last = ClaimWords.COUNT - 1;
        assertThat(owner(last)).isEqualTo(processes.word());
        assertThat(claims.holder(HASH)).hasValue(ProcessIdentity.self().pid());
        claims.release(HASH);
        assertThat(owner(last)).isZero();
    }

    @Test
    void whoGivesAClaimBackLeavesThoseOfOthers() {
        place(0, near(0), processes.word());
        place(1, HASH, ANOTHER);
        claims.release(HASH);
        assertThat(owner(0)).isEqualTo(processes.word());
        assertThat(owner(1)).isEqualTo(ANOTHER);
    }

    @Test
    void claimsThatNobodyIsAtAreGivenBack() {
        place(0, near(0), processes.word());
        place(1, near(1), processes.word());
        place(2, near(2), ANOTHER);
        List<Long> asked = new ArrayList<>();
        claims.mend(hash -> {
            asked.add(hash);
            return hash == near(0);
        });
        assertThat(asked).containsExactly(near(0), near(1));
        assertThat(owner(0)).isEqualTo(processes.word());
        assertThat(owner(1)).isZero();
        assertThat(owner(2)).isEqualTo(ANOTHER);
        assertThat(Words.acquire(memory, lockAt(BUCKET))).isZero();
    }

    @Test
    void lastClaimOfABucketIsGivenBackToo() {
        int last = ClaimWords.COUNT - 1;
        place(last, near(0), processes.word());
        claims.mend(_ -> false);
        assertThat(owner(last)).isZero();
    }

    @Test
    void bucketWithoutOwnClaimsIsNotLocked() {
        place(0, near(0), ANOTHER);
        Words.release(memory, lockAt(BUCKET), ANOTHER);
        claims.mend(_ -> false);
        assertThat(owner(0)).isEqualTo(ANOTHER);
        place(1, near(1), processes.word());
        assertThatThrownBy(() -> claims.mend(_ -> false)).isInstanceOf(LockTimeout.class);
        assertThat(owner(1)).isEqualTo(processes.word());
    }

    @Test
    void locksThatAnErrorLeftAreMended() {
        for (int bucket : new int[] {0, SharedLayout.CLAIM_BUCKETS - 1}) {
            Words.release(memory, lockAt(bucket), processes.word());
        }
        claims.mend(_ -> false);
        assertThat(
                        LongStream.of(0, SharedLayout.CLAIM_BUCKETS - 1)
                                .map(bucket -> Words.acquire(memory, lockAt((int) bucket))))
                .containsOnly(0L);
    }

    @Test
    void claimWaitsForTheLockOfItsBucketAsLongAsItMay() {
        Words.release(memory, lockAt(BUCKET), ANOTHER);
        assertThatThrownBy(() -> claims.claim(HASH))
                .isInstanceOfSatisfying(
                        LockTimeout.class,
                        e -> assertThat(e.waited()).isEqualTo(Duration.ofNanos(SHORT)))
                .hasMessageContaining("the lock of claims");
        long longer = 5 * SHORT;
        claims.lengthenTimeout(longer);
        assertThatThrownBy(() -> claims.claim(HASH))
                .isInstanceOfSatisfying(
                        LockTimeout.class,
                        e -> assertThat(e.waited()).isEqualTo(Duration.ofNanos(longer)));
        assertThat(contention.waits()).isEqualTo(2);
        assertThat(contention.nanos()).isGreaterThan(6 * SHORT);
        assertThat(contention.longestNanos()).isBetween(longer, contention.nanos() - SHORT);
        assertThat(contention.takeovers()).isZero();
    }

    @Test
    void lockOfADeadProcessIsTakenOver() {
        Words.release(memory, lockAt(BUCKET), ANOTHER);
        otherDies();
        claims.lengthenTimeout(TimeUnit.SECONDS.toNanos(60));
        assertThat(claims.claim(HASH)).isEqualTo(Result.MINE);
        assertThat(contention.takeovers()).isEqualTo(1);
        assertThat(Words.acquire(memory, SharedLayout.DOUBT)).isEqualTo(1);
    }
}
