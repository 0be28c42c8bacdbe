package dev.cairn.cache;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.CacheBuilder;
import dev.cairn.Cairn;
import dev.cairn.Options;
import dev.cairn.codec.Codecs;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.function.Function;

/** The caches that these tests open. */
final class Caches {
    static final Duration SECOND = Duration.ofSeconds(1);
    static final Duration MINUTE = Duration.ofMinutes(1);
    static final Duration HOUR = Duration.ofHours(1);

    private Caches() {}

    static CacheBuilder<String, Long> longs(boolean nearCache) {
        CacheBuilder<String, Long> builder =
                Cairn.cache(Codecs.utf8(), Codecs.int64())
                        .options(Options.defaults().withStripes(2));
        return nearCache
                ? builder.nearCache(Caffeine.newBuilder().maximumSize(1000).recordStats())
                : builder;
    }

    /** A loader that must not be called. */
    static Function<String, Long> none() {
        return key -> {
            throw new AssertionError(key + " is loaded");
        };
    }

    static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Background work that is done when a test says so. */
    static final class Background implements Executor {
        private final Queue<Runnable> tasks = new ArrayDeque<>();

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        /** Does the work that has come. Returns how many pieces that was. */
        int run() {
            int done = 0;
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
                done++;
            }
            return done;
        }
    }
}
