package dev.cairn.bench.hits;

/** A cache within a bound in bytes, used by one thread. */
interface Policy extends AutoCloseable {
    /** Returns whether the key was there. If it was not, it is put. */
    boolean read(int key);

    /** Puts the key, whether it is there or not. */
    void write(int key);

    @Override
    default void close() {}

    /** How many of a hundred reads of a load find their key. */
    static double hitRatio(Load load, Policy policy) {
        long reads = 0;
        long hits = 0;
        for (int request : load.requests()) {
            if (request < 0) {
                policy.write(~request);
                continue;
            }
            reads++;
            if (policy.read(request)) {
                hits++;
            }
        }
        return 100.0 * hits / reads;
    }
}
