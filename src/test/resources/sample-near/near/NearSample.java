package near;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.codec.Codecs;

import java.nio.file.Path;

/** A program of somebody who depends on Cairn and on Caffeine. */
public final class NearSample {
    private NearSample() {}

    public static void main(String[] arguments) {
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .nearCache(Caffeine.newBuilder().maximumSize(10).recordStats())
                        .open(Path.of(arguments[0], "near.cairn"))) {
            map.put("17", "Ada");
            System.out.println(map.get("17") + map.get("17"));
            System.out.println(map.nearCacheStats().size() + " in the near cache");
        }
    }
}
