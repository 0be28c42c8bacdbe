package dev.cairn.bench;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.MapBuilder;
import dev.cairn.bench.processes.Scratch;
import dev.cairn.codec.Codecs;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.io.IOException;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Reads of a map whose entries are all in its near cache, beside Caffeine alone and beside the same
 * map without a near cache. The figures are nanoseconds an operation, for one thread unless {@code
 * -t} says more.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 2,
        jvmArgsAppend = {
            "--enable-native-access=ALL-UNNAMED",
            "-Xms2g",
            "-Xmx2g",
            "-XX:+AlwaysPreTouch"
        })
public class NearCacheReads {
    /** An object that a service might keep. */
    public record Session(UUID user, String name, long lastSeen, int visits) {}

    /** The ways to read. */
    public enum Way {
        CAFFEINE_ALONE("Caffeine alone"),
        NEAR("Cairn, near cache"),
        NEAR_BOUNDED("Cairn, bounded staleness"),
        DECODED("Cairn, decoded");

        private final String title;

        Way(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    /** The entries, and whatever holds them. */
    @State(Scope.Benchmark)
    public static class Entries {
        @Param Way way;

        @Param({"1000", "100000"})
        int count;

        String[] keys;
        String[] absent;
        Function<String, Session> reads;
        private Scratch scratch;
        private CairnMap<String, Session> map;

        @Setup(Level.Trial)
        public void fill() throws IOException {
            SplittableRandom random = new SplittableRandom(1);
            keys = new String[count];
            absent = new String[count];
            for (int i = 0; i < count; i++) {
                keys[i] = "session:" + random.nextLong();
                absent[i] = "session:" + random.nextLong();
            }
            scratch = Scratch.create("near");
            map = builder().open(scratch.path().resolve("bench.cairn"));
            for (String key : keys) {
                map.set(key, new Session(new UUID(1, random.nextLong()), key, 2, 3));
            }
            Cache<String, Session> alone = Caffeine.newBuilder().maximumSize(4L * count).build();
            for (String key : keys) {
                alone.put(key, map.get(key));
                map.get(key);
            }
            reads = way == Way.CAFFEINE_ALONE ? alone::getIfPresent : map::get;
        }

        private MapBuilder<String, Session> builder() {
            MapBuilder<String, Session> builder =
                    Cairn.map(Codecs.utf8(), Codecs.javaRecord(Session.class));
            return switch (way) {
                case CAFFEINE_ALONE, DECODED -> builder;
                case NEAR -> builder.nearCache(Caffeine.newBuilder().maximumSize(4L * count));
                case NEAR_BOUNDED ->
                        builder.nearCache(Caffeine.newBuilder().maximumSize(4L * count))
                                .boundedStaleness(Duration.ofSeconds(1));
            };
        }

        @TearDown(Level.Trial)
        public void close() throws IOException {
            map.close();
            scratch.close();
        }
    }

    /** A thread's choice of keys. */
    @State(Scope.Thread)
    public static class Choice {
        final SplittableRandom random = new SplittableRandom();
    }

    @Benchmark
    public Session hit(Entries entries, Choice choice) {
        return entries.reads.apply(entries.keys[choice.random.nextInt(entries.count)]);
    }

    /** Does what {@link #hit} does, for a caller that looks at what it gets. */
    @Benchmark
    public int hitAndLook(Entries entries, Choice choice) {
        return entries.reads.apply(entries.keys[choice.random.nextInt(entries.count)]).visits();
    }

    @Benchmark
    public Session miss(Entries entries, Choice choice) {
        return entries.reads.apply(entries.absent[choice.random.nextInt(entries.count)]);
    }
}
