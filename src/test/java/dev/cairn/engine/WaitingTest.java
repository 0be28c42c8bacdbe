package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Options;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Attacks the choice of whoever waits: to spin, to sleep, or to look from time to time. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WaitingTest {
    private static final long SLEEP = Spinning.SLEEP_NANOS;
    private static final long LONG = TimeUnit.HOURS.toNanos(1);

    /**
     * Something that comes by itself once it was looked at often enough, has stirred often enough,
     * or was slept for.
     */
    private static final class Thing implements Waiting.Awaited<String> {
        private final int comesAtStir;
        private int stirs;
        private int sleeps;
        private int looks;

        Thing(int comesAtStir) {
            this.comesAtStir = comesAtStir;
        }

        @Override
        public String look() {
            looks++;
            return stirs >= comesAtStir || sleeps > 0 || looks > 50 ? "there" : null;
        }

        @Override
        public long patienceNanos() {
            return Long.MAX_VALUE;
        }

        @Override
        public boolean stirred() {
            stirs++;
            return stirs >= comesAtStir;
        }

        @Override
        public int ask() {
            return 1;
        }

        @Override
        public boolean sleep(int asked, long nanos) {
            sleeps++;
            return true;
        }

        @Override
        public void idle() {}
    }

    private static Thing waitedFor(Thing thing, long mostSpinning) throws InterruptedException {
        Waiting waiting = new Waiting(true, new Spinning(mostSpinning));
        assertThat(waiting.until(thing, LONG, () -> {})).isEqualTo("there");
        return thing;
    }

    @Test
    void whatComesSoonIsNotSleptFor() throws InterruptedException {
        Spinning longOnes = new Spinning(LONG);
        Thing thing = new Thing(3);
        assertThat(new Waiting(true, longOnes).until(thing, LONG, () -> {})).isEqualTo("there");
        assertThat(thing.sleeps).isZero();
        assertThat(thing.stirs).isEqualTo(3);
    }

    @Test
    void whatDoesNotComeIsSleptFor() throws InterruptedException {
        Thing thing = waitedFor(new Thing(Integer.MAX_VALUE), SLEEP);
        assertThat(thing.sleeps).isEqualTo(1);
    }

    @Test
    void nobodySpinsWhoIsNotToSpin() throws InterruptedException {
        Thing thing = waitedFor(new Thing(1), 0);
        assertThat(thing.stirs).isZero();
        assertThat(thing.sleeps).isEqualTo(1);
    }

    @Test
    void virtualThreadsNeitherSpinNorSleep() throws InterruptedException {
        Thing thing = new Thing(1);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        waitedFor(thing, LONG);
                    } catch (InterruptedException | AssertionError e) {
                        failure.set(e);
                    }
                })
                .join();
        assertThat(failure.get()).isNull();
        assertThat(thing.stirs).isZero();
        assertThat(thing.sleeps).isZero();
    }

    /**
     * A long spin looks from time to time whether the store was closed or the thread interrupted.
     */
    @Test
    void closingEndsASpin() {
        Spinning longOnes = new Spinning(LONG);
        Thing never = new Thing(Integer.MAX_VALUE);
        int[] asked = {0};
        Runnable stillOpen =
                () -> {
                    if (++asked[0] == 4) {
                        throw new IllegalStateException("closed");
                    }
                };
        assertThatThrownBy(() -> new Waiting(true, longOnes).until(never, LONG, stillOpen))
                .hasMessage("closed");
        assertThat(never.sleeps).isZero();
    }

    @Test
    void waitsThatAreLongAreNotSpunFor() {
        Spinning spinning = new Spinning(Spinning.USUAL_NANOS);
        assertThat(spinning.nanos()).isEqualTo(Spinning.USUAL_NANOS); // nothing is known yet
        for (int i = 0; i < 100; i++) {
            spinning.waited(3 * Spinning.USUAL_NANOS); // perhaps two threads slept
        }
        assertThat(spinning.nanos()).isEqualTo(Spinning.USUAL_NANOS);
        for (int i = 0; i < 3; i++) {
            spinning.waited(LONG);
        }
        assertThat(spinning.nanos()).isEqualTo(SLEEP);
        for (int i = 0; i < 20; i++) {
            spinning.waited(1_000);
        }
        assertThat(spinning.nanos()).isEqualTo(Spinning.USUAL_NANOS);
        spinning.most(SLEEP / 5);
        assertThat(spinning.nanos()).isEqualTo(SLEEP / 5);
        spinning.most(0);
        assertThat(spinning.nanos()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "2, 5000", "3, 5000", "4, 50000", "64, 50000"})
    void aCoreThatIsScarceIsNotSpunOn(int processors, long nanos) {
        assertThat(Spinning.most(null, processors)).isEqualTo(nanos);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 64})
    void whatIsAskedForCounts(int processors) {
        assertThat(Spinning.most(Duration.ZERO, processors)).isZero();
        assertThat(Spinning.most(Duration.ofMillis(2), processors)).isEqualTo(2_000_000);
    }

    @Test
    void ofAllWhoOpenAStoreTheLongestCounts() {
        Options unasked = Options.defaults();
        Options none = unasked.withSpinning(Duration.ZERO);
        Options some = unasked.withSpinning(Duration.ofMillis(1));
        assertThat(JointOptions.of(unasked, unasked).spinning()).isNull();
        assertThat(JointOptions.of(unasked, none).spinning()).isZero();
        assertThat(JointOptions.of(none, unasked).spinning()).isZero();
        assertThat(JointOptions.of(none, some)).isEqualTo(some);
        assertThat(JointOptions.of(some, none)).isEqualTo(some);
    }
}
