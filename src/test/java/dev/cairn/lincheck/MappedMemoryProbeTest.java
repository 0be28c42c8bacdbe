package dev.cairn.lincheck;

import static org.assertj.core.api.Assumptions.assumeThat;

import dev.cairn.format.Words;

import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Options;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Shows which racy counters Lincheck finds, and so what its verdicts over a store are worth. */
@Tag("lincheck")
class MappedMemoryProbeTest {
    @Test
    void modelCheckerFindsTheLostUpdateOfAField() {
        assertCaught(Linchecks.blindModelChecking(), CounterInAField.class);
    }

    /** If this fails some day, Linchecks need not declare anything atomic any more. */
    @Test
    void modelCheckerOverlooksTheLostUpdateInAMemorySegment() {
        twice(Linchecks.blindModelChecking(), CounterInMemory.class).check(CounterInMemory.class);
    }

    @Test
    void modelCheckerFindsTheLostUpdateInAMemorySegmentOnceWordsAreAtomic() {
        assertCaught(Linchecks.modelChecking(), CounterInMemory.class);
    }

    @Test
    void modelCheckerFindsNoFaultInACounterThatAdds() {
        twice(Linchecks.modelChecking(), AtomicCounterInMemory.class)
                .check(AtomicCounterInMemory.class);
    }

    /** The threads must run at the same time. On one processor that is a matter of luck. */
    @Test
    void stressFindsTheLostUpdateInAMemorySegment() {
        assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);
        assertCaught(Linchecks.stress().invocationsPerIteration(1_000_000), CounterInMemory.class);
    }

    private static void assertCaught(Options<?, ?> options, Class<?> subject) {
        Linchecks.assertCaught(twice(options, subject), subject, "increment(): 1 | increment(): 1");
    }

    private static Options<?, ?> twice(Options<?, ?> options, Class<?> subject) {
        return options.iterations(0)
                .addCustomScenario(
                        Linchecks.scenario(
                                subject, "", List.of("increment", "increment"), "increment"));
    }

    public static class CounterInAField {
        private volatile long count;

        @Operation
        @SuppressWarnings("NonAtomicVolatileUpdate") // the fault to be found
        public long increment() {
            return ++count;
        }
    }

    public static class CounterInMemory {
        final MemorySegment memory = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES);

        @Operation
        public long increment() {
            long next = Words.acquire(memory, 0) + 1;
            Words.release(memory, 0, next);
            return next;
        }
    }

    public static class AtomicCounterInMemory {
        private final MemorySegment memory = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES);

        @Operation
        public long increment() {
            return Words.add(memory, 0, 1) + 1;
        }
    }
}
