package dev.cairn.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.codec.Codecs;

import java.nio.file.Path;

/** A program that uses a store, a map and a cache, and says whether Micrometer is on its class path. */
final class WithoutMicrometer {
    private WithoutMicrometer() {}

    /** Works in the directory that is given. */
    public static void main(String[] arguments) {
        Path directory = Path.of(arguments[0]);
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file)) {
            store.put("key".getBytes(UTF_8), "value".getBytes(UTF_8));
            long _ = store.checkpoint();
            System.out.println(new String(store.get("key".getBytes(UTF_8)), UTF_8));
            System.out.println(store.stats().checkpoints() + " checkpoint");
        }
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .nearCache(Caffeine.newBuilder().recordStats())
                        .open(directory.resolve("map.cairn"))) {
            map.put("a", "1");
            System.out.println(map.get("a") + " " + map.nearCacheStats().size());
        }
        try (CairnCache<String, String> cache =
                Cairn.cache(Codecs.utf8(), Codecs.utf8()).open(directory.resolve("cache.cairn"))) {
            System.out.println(cache.get("b", _ -> "loaded") + " " + cache.stats().loads());
        }
        System.out.println(hasMicrometer() ? "with Micrometer" : "without Micrometer");
    }

    private static boolean hasMicrometer() {
        try {
            ClassLoader loader = WithoutMicrometer.class.getClassLoader();
            Class<?> _ = // not initialized, since it would look for a logger and say so
                    Class.forName("io.micrometer.core.instrument.MeterRegistry", false, loader);
            return true;
        } catch (ClassNotFoundException _) {
            return false;
        }
    }
}
