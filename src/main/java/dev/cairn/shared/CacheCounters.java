package dev.cairn.shared;

import dev.cairn.format.CounterWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;

/*
 * Actors    threads that read or load; a thread that publishes the counts of its process.
 * Words     adders of this process; the words of CounterWords.
 * Steps     J1 a thread adds to an adder      J2 once a second, when a process closes the store and
 *           when figures are asked for: what the adders gained since the last time is added to the
 *           words
 * Why it is right
 *           Adders only grow, and are never reset: so what one sum misses, the next one includes. One
 *           thread of a process publishes at a time, and adds by atomic addition.
 * Why it is cheap
 *           A read touches no line that another process writes, and mostly none of another thread.
 * If a process dies here
 *           What it counted since it last published is lost: the counts of a second at most.
 */
/** The counts of the caches over one store, in this process and in all processes. */
public final class CacheCounters {
    /** What is counted. */
    public enum Count {
        HITS(CounterWords.HITS),
        MISSES(CounterWords.MISSES),
        LOADS(CounterWords.LOADS),
        LOAD_FAILURES(CounterWords.LOAD_FAILURES),
        LOAD_NANOS(CounterWords.LOAD_NANOS),
        REFRESHES(CounterWords.REFRESHES);

        private final int word;

        Count(int word) {
            this.word = word;
        }
    }

    private final MemorySegment base;
    private final boolean mayShare;

    /** One adder for each word of the line. */
    private final LongAdder[] adders = new LongAdder[CounterWords.BYTES / Long.BYTES];

    /** The counts that are already in the words. */
    private final long[] shared = new long[adders.length];

    /**
     * Creates counters that begin at 0 in this process.
     *
     * @param base the fixed part of the shared-memory file
     * @param mayShare false in a read-only process, whose counts are not published
     */
    public CacheCounters(MemorySegment base, boolean mayShare) {
        this.base = base;
        this.mayShare = mayShare;
        Arrays.setAll(adders, _ -> new LongAdder());
    }

    public void add(Count what, long number) {
        if (mayShare && number != 0) {
            adders[what.word / Long.BYTES].add(number); // J1
        }
    }

    /** Counts reads, by how many found their key and how many did not. */
    public void read(long hits, long misses) {
        add(Count.HITS, hits);
        add(Count.MISSES, misses);
    }

    /** Publishes to all processes what was counted here. */
    public synchronized void share() {
        for (int i = 0; i < adders.length; i++) { // J2
            long counted = adders[i].sum();
            long gained = counted - shared[i];
            if (gained != 0) {
                shared[i] = counted;
                long _ = Words.add(base, SharedLayout.CACHE_COUNTERS + i * Long.BYTES, gained);
            }
        }
    }

    /** The number that all processes have published. */
    public long shared(Count what) {
        return Words.acquire(base, SharedLayout.CACHE_COUNTERS + what.word);
    }
}
