package dev.cairn.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.codec.Codecs;
import dev.cairn.micrometer.CairnMetrics;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.nio.file.Path;
import java.util.List;

/** A program that uses a store, a map and a cache, and finally a map with a near cache. */
final class WithoutCaffeine {
    private WithoutCaffeine() {}

    /** Works in the directory that is given. */
    public static void main(String[] arguments) {
        Path directory = Path.of(arguments[0]);
        byte[] key = "key".getBytes(UTF_8);
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            store.put(key, "value".getBytes(UTF_8));
            long _ = store.checkpoint();
            System.out.println(new String(store.get(key), UTF_8));
        }
        Path file = directory.resolve("map.cairn");
        try (CairnMap<String, String> map = Cairn.map(Codecs.utf8(), Codecs.utf8()).open(file)) {
            map.put("a", "1");
            System.out.println(map.get("a") + ", " + map.nearCacheStats());
            SimpleMeterRegistry registry = new SimpleMeterRegistry();
            new CairnMetrics(map, "map", List.of()).bindTo(registry);
            System.out.println(registry.find("cairn.full").gauge() != null);
        }
        try (CairnCache<String, String> cache =
                Cairn.cache(Codecs.utf8(), Codecs.utf8()).open(directory.resolve("cache.cairn"))) {
            System.out.println(cache.get("b", _ -> "loaded") + ", " + cache.nearCacheStats());
        }
        try {
            NearCache.use(file);
        } catch (NoClassDefFoundError e) {
            System.out.println(e.getMessage());
        }
    }

    /** A class of its own, so that Caffeine is looked for only when it is used. */
    private static final class NearCache {
        static void use(Path file) {
            try (CairnMap<String, String> map =
                    Cairn.map(Codecs.utf8(), Codecs.utf8())
                            .nearCache(Caffeine.newBuilder())
                            .open(file)) {
                System.out.println("near cache, " + map.get("a"));
            }
        }
    }
}
