package dev.cairn.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.cli.bench.Verdict.Durable;
import dev.cairn.cli.bench.Verdict.Evidence;
import dev.cairn.cli.bench.Verdict.Reads;
import dev.cairn.cli.bench.Verdict.Threads;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.time.Duration;
import java.util.OptionalDouble;

/** Attacks the verdicts, with made-up figures on both sides of each threshold. */
class VerdictTest {
    private static final double UNKNOWN = -1;

    @ParameterizedTest
    @CsvSource({
        "200, 50, MEMORY", //
        "200, 49.9, PROCESSOR",
        "150, 90, MEMORY",
        "100, 3, PROCESSOR"
    })
    void aGetIsBoundedByMemoryIfHalfOfItIsTwoLoads(double get, double load, Reads reads) {
        assertThat(reading(get, load).reads()).isEqualTo(reads);
    }

    @ParameterizedTest
    @CsvSource({"200, 80", "200, 3"})
    void nothingIsToldOfReadsIfOneThreadHadNoProcessorOfItsOwn(double get, double load) {
        assertThat(of(get, load, false, 400, 4000, 2, 2, 0.79, 2, 2, 0).reads())
                .isEqualTo(Reads.HELD_BACK);
        assertThat(of(get, load, false, 400, 4000, 2, 2, 0.8, 2, 2, 0).reads())
                .isNotEqualTo(Reads.HELD_BACK);
    }

    @ParameterizedTest
    @CsvSource({
        "false, 400, 4000, SYNC",
        "false, 400, 4001, WRITING",
        "false, 5000, 900, SYNC",
        "true, 400, 4000, NOTHING_IS_DURABLE",
        "true, 1, 4000, NOTHING_IS_DURABLE"
    })
    void aCheckpointIsBoundedBySyncIfItTakesNoMoreThanTen(
            boolean inMemory, long syncMicros, long checkpointMicros, Durable durable) {
        assertThat(syncing(inMemory, syncMicros, checkpointMicros).durable()).isEqualTo(durable);
    }

    @ParameterizedTest
    @CsvSource({
        "2, 2, 1.2, 2, 0, GAIN",
        "2, 2, 1.2, 1, 2, GAIN",
        "16, 16, 4, 16, 0, GAIN",
        "2, 1, 1.2, 1, 0, GAIN",
        "2, 1, 1.19, 1, 0, FEW_PROCESSORS",
        "2, 1, 1, 1, 5, FEW_PROCESSORS",
        "2, 2, 1.19, 1.59, 0.35, FOREIGN_LOAD",
        "2, 2, 1.19, 1.59, 0.34, HELD_BACK",
        "2, 2, 1.19, 1.59, -1, HELD_BACK",
        "2, 2, 1.19, 1.6, 3, SHARED_MEANS",
        "2, 2, 1.19, 1.6, -1, SHARED_MEANS",
        "16, 16, 3.9, 16, 0, SHARED_MEANS"
    })
    void threadsThatGainLittleHaveAReason(
            int count,
            int processors,
            double gain,
            double received,
            double foreign,
            Threads threads) {
        assertThat(running(count, processors, gain, received, foreign).threads())
                .isEqualTo(threads);
    }

    @Test
    void readsAreToldWithTheirFigures() {
        assertThat(line(reading(200, 85.4), 0))
                .isEqualTo(
                        "reads: bounded by memory: a get takes 200 ns, a dependent random load 85 ns");
        assertThat(line(reading(200, 3), 0))
                .isEqualTo(
                        "reads: bounded by CPU, not memory: a get takes 200 ns, a dependent random load 3 ns");
    }

    @Test
    void aThreadThatWasHeldBackIsTold() {
        assertThat(line(of(2_804, 255, false, 400, 4000, 2, 2, 0.52, 2, 2, 0), 0))
                .isEqualTo(
                        "reads: bounded by CPU: one thread got 0.5 of a processor; a get takes 2,804 ns,"
                                + " a dependent random load 255 ns");
    }

    @Test
    void checkpointsAreToldWithTheirFigures() {
        assertThat(line(syncing(false, 4_100, 9_200), 1))
                .isEqualTo(
                        "checkpoints: bounded by disk sync: a checkpoint of 1,000 entries takes 9.20 ms, the sync of a page 4.10 ms");
        assertThat(line(syncing(false, 400, 9_200), 1))
                .startsWith(
                        "checkpoints: bounded by what they write, not by sync: a checkpoint of ");
        assertThat(line(syncing(true, 1, 9_200), 1))
                .startsWith("checkpoints: make nothing durable here: ");
    }

    @Test
    void threadsAreToldWithTheirFigures() {
        assertThat(line(running(2, 2, 1.94, 2, 0), 2))
                .isEqualTo("threads: 2 threads do 1.9 times the work of one");
        assertThat(line(running(2, 2, 1.5, 1.5, 1.26), 2))
                .isEqualTo(
                        "threads: 2 threads do 1.5 times the work of one; other processes used 1.3 processors meanwhile");
        assertThat(line(running(2, 1, 0.98, 1, UNKNOWN), 2))
                .isEqualTo(
                        "threads: bounded by CPU: 2 threads do 1.0 times the work of one; the JVM has 1 processor");
        assertThat(line(running(4, 4, 0.98, 1, 3), 2))
                .isEqualTo(
                        "threads: bounded by CPU: 4 threads do 1.0 times the work of one; other processes used 3.0 processors meanwhile");
        assertThat(line(running(4, 4, 0.98, 1, UNKNOWN), 2))
                .endsWith("; they got 1.0 processors, because of a quota or a busy host");
        assertThat(line(running(4, 4, 0.98, 4, UNKNOWN), 2))
                .endsWith(", with a processor for each; they share cores or memory");
    }

    private static Verdict reading(double get, double load) {
        return of(get, load, false, 400, 4000, 2, 2, 1, 2, 2, 0);
    }

    private static Verdict syncing(boolean inMemory, long syncMicros, long checkpointMicros) {
        return of(200, 80, inMemory, syncMicros, checkpointMicros, 2, 2, 1, 2, 2, 0);
    }

    private static Verdict running(
            int threads, int processors, double gain, double received, double foreign) {
        return of(200, 80, false, 400, 4000, threads, processors, 1, gain, received, foreign);
    }

    private static Verdict of(
            double get,
            double load,
            boolean inMemory,
            long syncMicros,
            long checkpointMicros,
            int threads,
            int processors,
            double receivedAlone,
            double gain,
            double received,
            double foreign) {
        return Verdict.of(
                new Evidence(
                        get,
                        load,
                        inMemory,
                        Duration.ofNanos(syncMicros * 1_000),
                        Duration.ofNanos(checkpointMicros * 1_000),
                        1_000,
                        threads,
                        processors,
                        receivedAlone,
                        gain,
                        received,
                        foreign == UNKNOWN ? OptionalDouble.empty() : OptionalDouble.of(foreign)));
    }

    private static String line(Verdict verdict, int number) {
        return String.join(": ", verdict.lines().get(number));
    }
}
