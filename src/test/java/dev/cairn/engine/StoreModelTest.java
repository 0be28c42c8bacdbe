package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.Stats;
import dev.cairn.Versioned;
import dev.cairn.format.DataHeader;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.Words;
import dev.cairn.index.TableImage;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;
import net.jqwik.api.state.Action;
import net.jqwik.api.state.ActionChain;
import net.jqwik.api.state.ActionChainArbitrary;
import net.jqwik.api.state.Transformer;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Attacks all operations of a store with random sequences on a store and on a map, which must stay
 * equal. The canaries are flaws, each of which must be noticed.
 */
class StoreModelTest {
    private static final int KEYS = 48;

    /** What every run must have met, or else it shows nothing. */
    private enum Met {
        GROWTH,
        OVERFLOW,
        ROLL,
        FILLER,
        VALUE_IN_RUN,
        KEY_IN_RUN
    }

    private static final Map<Met, Integer> MET = new EnumMap<>(Met.class);

    /** How the stores of a property are made. */
    private record Scale(boolean small, int stripes, int regionBytes, int slots) {}

    private static final Scale SMALL = new Scale(true, 1, SmallScale.REGION_BYTES, 7);
    private static final Scale DEFAULT = new Scale(false, 4, 1 << 16, 4 * 7 * 256);

    @Property(tries = 40, shrinking = ShrinkingMode.BOUNDED)
    void smallStoreEqualsItsModel(@ForAll("smallChains") ActionChain<StoreModel> chain)
            throws IOException {
        run(SMALL, chain);
    }

    @Property(tries = 6, shrinking = ShrinkingMode.BOUNDED)
    void storeOfDefaultSizeEqualsItsModel(@ForAll("defaultChains") ActionChain<StoreModel> chain)
            throws IOException {
        run(DEFAULT, chain);
    }

    @BeforeProperty
    void nothingMet() {
        MET.clear();
    }

    @AfterProperty
    void tellWhatWasMet() {
        if (!MET.isEmpty()) {
            System.out.println("the model test met " + MET);
        }
    }

    /** Random sequences may miss something. These are always the same and miss nothing. */
    @Example
    void everythingIsMet() throws IOException {
        meetsEverything(SMALL, smallChains(), 40);
        meetsEverything(DEFAULT, defaultChains(), 20);
    }

    private void meetsEverything(Scale scale, Arbitrary<ActionChain<StoreModel>> chains, int count)
            throws IOException {
        MET.clear();
        var generator = chains.generator(1000);
        Random random = new Random(1);
        for (int i = 0; i < count && MET.size() < Met.values().length; i++) {
            run(scale, generator.next(random).value());
        }
        assertThat(MET.keySet()).containsExactlyInAnyOrder(Met.values());
    }

    private static void met(Met what, int times) {
        if (times > 0) {
            MET.merge(what, times, Integer::sum);
        }
    }

    private static final AtomicReference<Supplier<StoreModel>> START = new AtomicReference<>();

    private void run(Scale scale, ActionChain<StoreModel> chain) throws IOException {
        withModel(
                scale,
                UnaryOperator.identity(),
                () -> {
                    StoreModel end =
                            chain.withInvariant("equals its model", StoreModel::check).run();
                    observe(scale, end);
                    end.close();
                });
    }

    private interface Body {
        void run() throws IOException;
    }

    private void withModel(Scale scale, UnaryOperator<CairnStore> flaw, Body body)
            throws IOException {
        Path memory = Path.of("/dev/shm");
        Path directory =
                Files.isWritable(memory)
                        ? Files.createTempDirectory(memory, "cairn-model")
                        : Files.createTempDirectory("cairn-model");
        SmallScale small = scale.small ? new SmallScale() : null;
        StoreModel[] made = new StoreModel[1];
        START.set(() ->
                made[0] =
                        new StoreModel(
                                directory.resolve("store.cairn"),
                                Options.defaults().withStripes(scale.stripes),
                                flaw));
        try {
            body.run();
        } finally {
            if (made[0] != null) {
                made[0].close();
            }
            if (small != null) {
                small.close();
            }
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }

    private static void observe(Scale scale, StoreModel end) throws IOException {
        Stats stats = end.stats();
        met(Met.GROWTH, stats.indexSlots() > scale.slots ? 1 : 0);
        met(Met.OVERFLOW, new TableImage(end.file()).overflowing());
        byte[] data = Files.readAllBytes(end.file());
        DataHeader header =
                DataHeader.decode(end.file(), Arrays.copyOf(data, DataHeader.BLOCK_BYTES));
        for (long region = 0; region < stats.regions(); region++) {
            int at = (int) header.regionAt(region);
            RegionHeader found =
                    RegionHeader.decode(
                            Arrays.copyOfRange(data, at, at + RegionHeader.BYTES),
                            header.storeId(),
                            region);
            if (found != null && found.runRegions() == 0) {
                met(Met.ROLL, found.predecessor() == 0 ? 0 : 1);
                observeRecords(data, at, at + header.regionBytes());
            }
        }
    }

    private static void observeRecords(byte[] data, int from, int to) {
        int at = from + RegionHeader.BYTES;
        while (at <= to - RecordLayout.MIN_BYTES) {
            long control = Words.plain(data, at + RecordLayout.CRC);
            long lengths = Words.plain(data, at + RecordLayout.KEY_LENGTH);
            if (!RecordLayout.plausible(control, lengths)) {
                return;
            }
            int flags = RecordLayout.flags(control);
            met(Met.FILLER, RecordLayout.kind(control) == RecordLayout.FILLER ? 1 : 0);
            met(Met.VALUE_IN_RUN, (flags & RecordLayout.VALUE_IN_RUN) != 0 ? 1 : 0);
            met(Met.KEY_IN_RUN, (flags & RecordLayout.KEY_IN_RUN) != 0 ? 1 : 0);
            at +=
                    (int)
                            RecordLayout.bytes(
                                    flags,
                                    RecordLayout.keyLength(lengths),
                                    RecordLayout.valueLength(lengths));
        }
    }

    /** An action that any other may precede. */
    private record Step(Arbitrary<Transformer<StoreModel>> transformer)
            implements Action.Independent<StoreModel> {}

    private static <T> Step step(
            String name, Arbitrary<T> input, BiFunction<StoreModel, T, Object> does) {
        return new Step(
                input.map(given ->
                        Transformer.mutate(
                                name + " " + given,
                                model -> {
                                    Object _ = does.apply(model, given);
                                })));
    }

    private static Object done(Runnable action) {
        action.run();
        return "done";
    }

    private static Step step(String name, Consumer<StoreModel> does) {
        return step(name, Arbitraries.just(""), (model, _) -> done(() -> does.accept(model)));
    }

    /** Mostly short keys, some that do not fit into the record, and some of several regions. */
    private static byte[] key(int number, int regionBytes) {
        int bytes =
                number == 0
                        ? 0
                        : number < 36
                                ? 1 + number % 24
                                : number < 42
                                        ? regionBytes / 4 - 42 + 9 * (number - 36)
                                        : regionBytes * (number - 41) / 2;
        return Content.key(number, bytes);
    }

    private static Arbitrary<Integer> numbers() {
        return Arbitraries.integers()
                .between(0, KEYS - 1)
                .withDistribution(RandomDistribution.uniform());
    }

    private static Arbitrary<Integer> sizes(int regionBytes) {
        return Arbitraries.frequencyOf(
                Tuple.of(2, Arbitraries.just(0)),
                Tuple.of(8, Arbitraries.integers().between(1, 100)),
                Tuple.of(8, Arbitraries.integers().between(100, regionBytes / 3)),
                Tuple.of(3, Arbitraries.integers().between(regionBytes - 140, regionBytes + 10)),
                Tuple.of(2, Arbitraries.integers().between(regionBytes, 5 * regionBytes)));
    }

    @Provide
    Arbitrary<ActionChain<StoreModel>> smallChains() {
        return chains(SMALL, 1, 60).withMaxTransformations(70);
    }

    @Provide
    Arbitrary<ActionChain<StoreModel>> defaultChains() {
        return chains(DEFAULT, 10, 5000).withMaxTransformations(40);
    }

    private ActionChainArbitrary<StoreModel> chains(Scale scale, int bulkWeight, int bulk) {
        Arbitrary<Integer> numbers = numbers();
        Arbitrary<Integer> sizes = sizes(scale.regionBytes);
        Arbitrary<Tuple.Tuple2<Integer, Integer>> sized =
                Combinators.combine(numbers, sizes).as(Tuple::of);
        Arbitrary<Integer> off = Arbitraries.of(0, 0, 1, -1, 1000);
        IntFunction<byte[]> key = number -> key(number, scale.regionBytes);
        Arbitrary<Tuple.Tuple2<Integer, Integer>> ranges =
                Combinators.combine(
                                Arbitraries.integers().between(0, 4 * bulk),
                                Arbitraries.integers().between(1, bulk))
                        .as(Tuple::of);
        return ActionChain.startWith(() -> START.get().get())
                .withAction(
                        20,
                        step(
                                "put",
                                Combinators.combine(sized, Arbitraries.of(false, false, true))
                                        .as(Tuple::of),
                                (model, in) ->
                                        done(() ->
                                                model.put(
                                                        key.apply(in.get1().get1()),
                                                        in.get1().get2(),
                                                        in.get2()))))
                .withAction(
                        6,
                        step(
                                "putIfAbsent",
                                sized,
                                (model, in) ->
                                        done(() ->
                                                model.putIfAbsent(
                                                        key.apply(in.get1()), in.get2()))))
                .withAction(
                        6,
                        step(
                                "replace",
                                Combinators.combine(sized, off).as(Tuple::of),
                                (model, in) ->
                                        done(() ->
                                                model.replace(
                                                        key.apply(in.get1().get1()),
                                                        in.get1().get2(),
                                                        in.get2()))))
                .withAction(
                        6,
                        step(
                                "remove",
                                numbers,
                                (model, in) -> done(() -> model.remove(key.apply(in)))))
                .withAction(
                        4,
                        step(
                                "remove version",
                                Combinators.combine(numbers, off).as(Tuple::of),
                                (model, in) ->
                                        done(() -> model.remove(key.apply(in.get1()), in.get2()))))
                .withAction(
                        4,
                        step("get", numbers, (model, in) -> done(() -> model.get(key.apply(in)))))
                .withAction(
                        2,
                        step(
                                "getAll",
                                numbers.list().ofMaxSize(20),
                                (model, in) ->
                                        done(() ->
                                                model.getAll(
                                                        in.stream().map(key::apply).toList()))))
                .withAction(
                        bulkWeight,
                        step(
                                "putMany",
                                ranges,
                                (model, in) -> done(() -> model.putMany(in.get1(), in.get2()))))
                .withAction(
                        Math.max(1, bulkWeight / 3),
                        step(
                                "removeMany",
                                ranges,
                                (model, in) -> done(() -> model.removeMany(in.get1(), in.get2()))))
                .withAction(2, step("reopen", StoreModel::reopen))
                .withAction(1, step("rebuild", StoreModel::rebuild))
                .withAction(1, step("look read-only", model -> model.lookReadOnly(false)))
                .withAction(1, step("look at a snapshot", model -> model.lookReadOnly(true)));
    }

    /** The canaries: each flaw must be noticed within a few sequences. */
    @Example
    void everyFlawIsNoticed() throws IOException {
        List<Flaw> flaws =
                List.of(
                        new Flaw(
                                "getVersioned",
                                (result, _) ->
                                        result instanceof Versioned found
                                                        && found.value().length == 0
                                                ? null
                                                : result),
                        new Flaw("replace", (_, _) -> 1L),
                        new Flaw("remove", (_, _) -> 1L),
                        new Flaw("putIfAbsent", (_, _) -> 0L),
                        new Flaw("read", (_, _) -> null),
                        new Flaw("version", (result, _) -> (long) result + 1),
                        new Flaw(
                                "get",
                                (result, _) -> {
                                    if (result instanceof byte[] value && value.length > 5000) {
                                        value[4999]++;
                                    }
                                    return result;
                                }),
                        new Flaw("size", (result, _) -> (long) result + 1));
        for (Flaw flaw : flaws) {
            assertThat(isNoticed(flaw)).as(flaw.method).isTrue();
        }
        assertThat(isNoticed(new Flaw("get", (result, _) -> result))).isFalse();
    }

    private record Flaw(String method, BiFunction<Object, Object[], Object> result)
            implements UnaryOperator<CairnStore> {
        @Override
        public CairnStore apply(CairnStore store) {
            return (CairnStore)
                    Proxy.newProxyInstance(
                            CairnStore.class.getClassLoader(),
                            new Class<?>[] {CairnStore.class},
                            (_, called, args) -> {
                                try {
                                    Object right = called.invoke(store, args);
                                    return called.getName().equals(method)
                                            ? result.apply(right, args)
                                            : right;
                                } catch (InvocationTargetException e) {
                                    throw e.getCause();
                                }
                            });
        }
    }

    private boolean isNoticed(Flaw flaw) throws IOException {
        var generator = smallChains().generator(1000);
        Random random = new Random(1);
        for (int i = 0; i < 20; i++) {
            ActionChain<StoreModel> chain = generator.next(random).value();
            boolean[] noticed = new boolean[1];
            withModel(
                    SMALL,
                    flaw,
                    () -> {
                        try {
                            chain.withInvariant("equals its model", StoreModel::check).run();
                        } catch (AssertionError _) {
                            noticed[0] = true;
                        }
                    });
            if (noticed[0]) {
                return true;
            }
        }
        return false;
    }
}
