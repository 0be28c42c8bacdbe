package dev.cairn.bench.hits;

import java.util.Locale;
import java.util.function.IntUnaryOperator;

/**
 * What is compared. Cairn pays for everything in its data file. The others pay only what they are
 * charged for an entry: its key and value, or as much as Cairn's record of it.
 */
enum Contender {
    CAIRN("Cairn"),
    CAFFEINE("Caffeine"),
    LRU("LRU"),
    FIFO("FIFO"),
    CAFFEINE_PAYLOAD("Caffeine, payload only"),
    LRU_PAYLOAD("LRU, payload only"),
    FIFO_PAYLOAD("FIFO, payload only");

    /** The name for people. */
    final String title;

    Contender(String title) {
        this.title = title;
    }

    /** Its name in a file of results. */
    String column() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** A cache in the heap. Cairn is no such cache; see {@link CairnPolicy}. */
    Policy inHeap(Load load, Sizes sizes, long maxBytes) {
        IntUnaryOperator charged =
                switch (this) {
                    case CAFFEINE, LRU, FIFO -> sizes::record;
                    default -> sizes::payload;
                };
        return switch (this) {
            case CAFFEINE, CAFFEINE_PAYLOAD -> new CaffeinePolicy(charged, maxBytes);
            case LRU, LRU_PAYLOAD -> QueuePolicy.leastRecentlyUsed(load.keys(), charged, maxBytes);
            case FIFO, FIFO_PAYLOAD -> QueuePolicy.firstInFirstOut(load.keys(), charged, maxBytes);
            case CAIRN -> throw new IllegalArgumentException("Cairn needs files");
        };
    }
}
