package dev.cairn.map;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.MapBuilder;
import dev.cairn.Options;
import dev.cairn.codec.Codecs;

/** The maps that these tests open. */
final class Maps {
    static final Options SMALL = Options.defaults().withStripes(2);

    private Maps() {}

    static MapBuilder<String, Long> longs() {
        return Cairn.map(Codecs.utf8(), Codecs.int64()).options(SMALL);
    }

    static MapBuilder<String, Long> cached() {
        return longs().nearCache(Caffeine.newBuilder().maximumSize(1000).recordStats());
    }

    static MapBuilder<String, String> texts() {
        return Cairn.map(Codecs.utf8(), Codecs.utf8()).options(SMALL);
    }

    /** Waits until a key whose entry expires is absent. */
    static void awaitExpiry(CairnMap<String, Long> map, String key) throws InterruptedException {
        while (map.version(key) != 0) {
            Thread.sleep(5);
        }
    }
}
