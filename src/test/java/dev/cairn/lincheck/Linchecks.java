package dev.cairn.lincheck;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Rounds;
import dev.cairn.SmallScale;
import dev.cairn.engine.StoreHandle;
import dev.cairn.format.Words;
import dev.cairn.os.Steps;

import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.ManagedStrategyGuarantee;
import org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Options;
import org.jetbrains.lincheck.datastructures.StressOptions;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/*
 * What the model checker sees
 *           It changes threads at accesses to fields and arrays, at VarHandles of those, at locks and
 *           parks. A VarHandle of a memory segment is none of these. If it is left alone, the model
 *           checker takes a whole lookup for one step. So each method of Words is declared atomic.
 *           Then it is a step with a change of threads before it, and the store is checked as it is
 *           (MappedMemoryProbeTest). Steps are interleaved and never reordered; for reordering there
 *           are the tests in src/jcstress.
 * What it must reach
 *           It rewrites the classes of what it finds from the fields of the tested object, but not
 *           from static fields. So the tested object keeps the store in a field.
 * What outlives a run
 *           The store, which is the same in all runs of a test. Only a failure leaves threads in the
 *           middle of their work, and locks taken. Then Lincheck cannot print the trace that it wants.
 * Loops     A loop of more rounds than the bound is taken for a livelock, and waiting for a lock is
 *           such a loop.
 */
/** Options for Lincheck, which runs small scenarios and judges whether the results have an order. */
final class Linchecks {
    /**
     * The interleavings of each scenario, at about 10 ms each. More find more: {@code
     * -Ddev.cairn.interleavings=2000}.
     */
    private static final int INTERLEAVINGS =
            Integer.getInteger("dev.cairn.interleavings", Rounds.of(14, 40));

    private static final int LOOP_BOUND = 1_000_000;
    private static final int LOOPS_BEFORE_CHANGE = 20;
    private static final int RECURSION_BOUND = 1000;

    /** These methods only compute, and read no shared memory. */
    private static final Set<String> PURE =
            Set.of(
                    "dev.cairn.format.BucketWords",
                    "dev.cairn.format.Checksum",
                    "dev.cairn.format.HashBits",
                    "dev.cairn.format.Place",
                    "dev.cairn.format.RecordLayout",
                    "dev.cairn.format.TableWord");

    private static final String HASHING = "com.dynatrace.hash4j.";
    private static final String CAFFEINE = "com.github.benmanes.caffeine.";

    /** For so long a failure waits, by {@link CountedTime}, for the lock that it left taken. */
    static final Duration PATIENCE = Duration.ofSeconds(3);

    /**
     * The bound of stores of {@link SmallScale} whose regions are used again after a dozen large
     * records.
     */
    static final long FIVE_REGIONS_BYTES = (4 + 5) * SmallScale.REGION_BYTES;

    private static final Pattern OPERATIONS = Pattern.compile("; ");

    /**
     * Time that goes on by a millisecond each time somebody looks at it. So waiting ends after a
     * number of looks, and not because a busy machine has let no other thread run.
     */
    static final class CountedTime implements Steps.Listener {
        private final AtomicLong nanos = new AtomicLong();

        @Override
        public void at(String step) {}

        @Override
        public long nanoTime() {
            return nanos.addAndGet(1_000_000);
        }
    }

    private Linchecks() {}

    /** Checks these scenarios over shared memory; see {@link #scenario}. */
    static ModelCheckingOptions modelChecking(
            Class<?> subject, List<List<String>> scenarios, String then) {
        ModelCheckingOptions options = modelChecking().iterations(0);
        for (List<String> threads : scenarios) {
            options = options.addCustomScenario(scenario(subject, "", threads, then));
        }
        return options;
    }

    /**
     * Checks over shared memory, but takes each put for a single step. It is for one thread that
     * puts a lot while others read.
     */
    static ModelCheckingOptions modelCheckingOneWriter() {
        return modelChecking()
                .invocationsPerIteration(6 * INTERLEAVINGS)
                .addGuarantee(
                        ManagedStrategyGuaranteeKt.forClasses(StoreHandle.class.getName())
                                .methods("put")
                                .treatAsAtomic());
    }

    /** Checks over shared memory. */
    static ModelCheckingOptions modelChecking() {
        return blindModelChecking()
                .addGuarantee(atomic(Words.class.getName()::equals))
                .addGuarantee(atomic(name -> name.startsWith(CAFFEINE)))
                .addGuarantee(ignored(Steps.class.getName()::equals))
                .addGuarantee(ignored(PURE::contains))
                .addGuarantee(ignored(name -> name.startsWith(HASHING)));
    }

    /** Checks with the model checker as it comes. */
    static ModelCheckingOptions blindModelChecking() {
        return new ModelCheckingOptions()
                .minimizeFailedScenario(false)
                .invocationsPerIteration(INTERLEAVINGS)
                .loopBound(LOOP_BOUND)
                .loopIterationsBeforeThreadSwitch(LOOPS_BEFORE_CHANGE)
                .recursionBound(RECURSION_BOUND);
    }

    /** Runs threads as the hardware runs them. */
    static StressOptions stress() {
        return new StressOptions().minimizeFailedScenario(false);
    }

    /**
     * A scenario of what threads do at once.
     *
     * @param first the operations that come before
     * @param threads the operations of each thread, such as {@code "put 1 2; get 1"}
     * @param then the operations that follow
     */
    static ExecutionScenario scenario(
            Class<?> subject, String first, List<String> threads, String then) {
        return new ExecutionScenario(
                actors(subject, first),
                threads.stream().map(thread -> actors(subject, thread)).toList(),
                actors(subject, then),
                null);
    }

    private static List<Actor> actors(Class<?> subject, String operations) {
        return OPERATIONS
                .splitAsStream(operations)
                .filter(operation -> !operation.isEmpty())
                .map(operation -> actor(subject, List.of(operation.split(" "))))
                .toList();
    }

    private static Actor actor(Class<?> subject, List<String> words) {
        Method method =
                Stream.of(subject.getMethods())
                        .filter(any -> any.getName().equals(words.getFirst()))
                        .findFirst()
                        .orElseThrow();
        return new Actor(method, words.stream().skip(1).map(Integer::valueOf).toList());
    }

    /** Requires, for canaries, that what is broken is found. */
    static void assertCaught(Options<?, ?> options, Class<?> subject, String evidence) {
        assertThatThrownBy(() -> options.check(subject))
                .isInstanceOf(LincheckAssertionError.class)
                .hasMessageContaining("Invalid execution results")
                .hasMessageContaining(evidence);
    }

    private static ManagedStrategyGuarantee atomic(Predicate<String> classes) {
        return ManagedStrategyGuaranteeKt.forClasses(classes::test).allMethods().treatAsAtomic();
    }

    private static ManagedStrategyGuarantee ignored(Predicate<String> classes) {
        return ManagedStrategyGuaranteeKt.forClasses(classes::test).allMethods().ignore();
    }
}
