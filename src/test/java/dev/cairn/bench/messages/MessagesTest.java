package dev.cairn.bench.messages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.bench.report.Results;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

/**
 * Attacks the parts of the benchmark of messages: names, settings, batches, reports and figures.
 */
class MessagesTest {
    private static final Case PIPE = new Case(Way.of("pipe"), 4096, Direction.ONE_WAY);
    private static final Case RING = new Case(Way.of("ring"), 4096, Direction.ONE_WAY);
    private static final Case SOCKET = new Case(Way.of("socket"), 100, Direction.PING_PONG);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ways=pigeon",
                "ways=pipe,",
                "ways=cairn",
                "ways=cairn-shm",
                "ways=ring-batch",
                "sizes=23",
                "sizes=many",
                "directions=back",
                "rounds=0",
                "seconds=0",
                "warmup=-1",
                "strace=perhaps",
                "round=3",
                "fast"
            })
    void wrongArgumentsAreRefused(String argument) {
        assertThatThrownBy(() -> Setting.of(argument)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nameOfAWaySaysHowItWorks() {
        assertThat(Way.of("cairn-disk-durable-sleeping"))
                .isEqualTo(
                        new Way(
                                "cairn-disk-durable-sleeping",
                                Way.Kind.CAIRN,
                                false,
                                true,
                                false,
                                false));
        assertThat(Way.of("cairn-shm-spinning-batch"))
                .isEqualTo(
                        new Way(
                                "cairn-shm-spinning-batch",
                                Way.Kind.CAIRN,
                                true,
                                false,
                                true,
                                true));
    }

    @Test
    void otherSecondsTakeThePlaceOfThoseGiven() {
        Setting setting = Setting.of("seconds=2", "ways=ring", "warmup=3").within(0.5);

        assertThat(setting.seconds()).isEqualTo(0.5);
        assertThat(setting.warmup()).isEqualTo(0.5);
        assertThat(setting.ways()).containsExactly(Way.of("ring"));
    }

    /** If the receiver told later, a sender that holds a batch back would wait forever. */
    @ParameterizedTest
    @ValueSource(ints = {24, 100, 4096})
    void receiverTellsWhileABatchStillFitsIn(int bytes) {
        int slots = Slots.of(bytes);
        int untold = 0;
        int most = 0;
        for (int i = 0; i < 4 * slots; i++) {
            untold = Slots.isTold(i, slots) ? 0 : untold + 1;
            most = Math.max(most, untold);
        }
        assertThat(most).isPositive().isLessThan(slots - Way.BATCH);
        assertThat(Integer.bitCount(slots)).isOne();
    }

    @Test
    void reportIsALine() {
        Report report = new Report(10, 9, 1.25, 2.5, 1e-3, new Meter.Switches(7, 8), 0.125, 1e6);

        assertThat(Report.isReport(report.line())).isTrue();
        assertThat(Report.of(report.line())).isEqualTo(report);
    }

    @Test
    void threadThatWaitedWasSwitched() throws Exception {
        Meter before = Meter.now();
        for (int i = 0; i < 10; i++) {
            Thread.sleep(1);
        }

        assertThat(Meter.now().switchesSince(before).voluntary()).isGreaterThanOrEqualTo(10);
    }

    @Test
    void ratioIsTheMedianOfThoseOfTheRounds() throws Exception {
        Summary summary = summary();

        assertThat(summary.print(Setting.of("ways=pipe,socket,ring", "sizes=100,4096")))
                .isEqualTo(
                        """

                        **100 B, ping-pong**; the best of the system's: socket

                        | way | p50, us | p99, us | to the system's best | to the ring | switches of context a message |
                        |---|---|---|---|---|---|
                        | socket | 2.00 | 9.00 | 1.00 | - | 0.500 + 0.250 |

                        **4 KiB, one-way**; the best of the system's: pipe

                        | way | messages/s | MiB/s | to the system's best | to the ring | switches of context a message |
                        |---|---|---|---|---|---|
                        | pipe ! | 2,560 | 10.0 | 1.00 | 0.50 | 0.500 + 0.250 |
                        | ring | 5,120 | 20.0 | 2.00 | 1.00 | 0.500 + 0.250 |
                        """);
    }

    @Test
    void figuresHaveAValueForEachRound() throws Exception {
        Summary summary = summary();
        summary.addCalls(PIPE, 2);

        Results results = summary.results(Setting.of());

        assertThat(results.figure("4 KiB, one-way, messages", "pipe").orElseThrow().values())
                .containsExactly(2560.0, 100.0, 10_000.0);
        assertThat(results.figure("4 KiB, one-way, bytes", "pipe").orElseThrow().median())
                .isEqualTo(10);
        assertThat(results.figure("4 KiB, one-way, bytes", "pipe").orElseThrow().others())
                .isEqualTo(0.5);
        assertThat(results.figure("100 B, ping-pong, p99", "socket").orElseThrow().values())
                .containsExactly(9.0);
        assertThat(results.figure("4 KiB, one-way, system calls", "pipe").orElseThrow().values())
                .isEqualTo(List.of(2.0));
        assertThat(results.figure("4 KiB, one-way, system calls", "ring")).isEmpty();
    }

    private static Summary summary() {
        Summary summary = new Summary();
        summary.add(PIPE, rate(2560, 0.5));
        summary.add(PIPE, rate(100, 0));
        summary.add(PIPE, rate(10_000, 0));
        summary.add(RING, rate(5120, 0));
        summary.add(RING, rate(200, 0));
        summary.add(RING, rate(30_000, 0));
        summary.add(SOCKET, new Pair.Outcome(100, 50, 2, 9, 0.5, 0.25, 0, 0));
        return summary;
    }

    private static Pair.Outcome rate(double rate, double others) {
        return new Pair.Outcome(100, rate, 0, 0, 0.5, 0.25, others, 0);
    }
}
