package sample;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.codec.Codecs;

import java.nio.file.Path;

/** A program of somebody who depends on Cairn and on nothing else. */
public final class Sample {
    record Session(String user, int visits) {}

    private Sample() {}

    public static void main(String[] arguments) {
        Path directory = Path.of(arguments[0]);
        byte[] key = "user:17".getBytes(UTF_8);
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"))) {
            store.put(key, "Ada".getBytes(UTF_8));
            store.checkpoint();
            System.out.println("store " + new String(store.get(key), UTF_8));
        }
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8()).open(directory.resolve("map.cairn"))) {
            map.put("17", "Ada");
            System.out.println("map " + map.get("17") + ", " + map.nearCacheStats());
        }
        try (CairnCache<String, String> cache =
                Cairn.cache(Codecs.utf8(), Codecs.utf8()).open(directory.resolve("cache.cairn"))) {
            System.out.println("cache " + cache.get("17", id -> "loaded " + id));
        }
        System.out.println(
                "native access " + Cairn.class.getModule().isNativeAccessEnabled()
                        + ", module " + Cairn.class.getModule().getName());
    }
}
