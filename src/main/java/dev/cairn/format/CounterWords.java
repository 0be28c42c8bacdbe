package dev.cairn.format;

/**
 * The counts of the caches of all processes since the shared-memory file was built, in one cache
 * line.
 */
public final class CounterWords {
    public static final int HITS = 0;
    public static final int MISSES = 8;
    public static final int LOADS = 16;
    public static final int LOAD_FAILURES = 24;
    public static final int LOAD_NANOS = 32;
    public static final int REFRESHES = 40;
    public static final int BYTES = 64;

    private CounterWords() {}
}
