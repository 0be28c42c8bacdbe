package dev.cairn.bench.hits;

import dev.cairn.format.RecordLayout;

/** How long the entries are, key and value together. */
enum Sizes {
    /** A value of 100 bytes. */
    FIXED("entries of 116 bytes", 512 << 10) {
        @Override
        int payload(int key) {
            return KEY_BYTES + 100;
        }
    },

    /** The length is 50 to 4,000 bytes, by a hash of the key. */
    MIXED("entries of 50 to 4,000 bytes", 2 << 20) {
        @Override
        int payload(int key) {
            return LEAST + (int) Long.remainderUnsigned(mix(key + SHIFT), MOST - LEAST + 1);
        }
    };

    static final int KEY_BYTES = 16;

    private static final int LEAST = 50;
    private static final int MOST = 4_000;
    private static final long SHIFT = 0x9E37_79B9_7F4A_7C15L;

    /** The name for people. */
    final String title;

    /**
     * The least bytes of keys and values of one per cent of a load. They make enough regions for a
     * cache.
     */
    private final int leastBytes;

    Sizes(String title, int leastBytes) {
        this.title = title;
        this.leastBytes = leastBytes;
    }

    abstract int payload(int key);

    /** The bytes of the record of an entry. */
    int record(int key) {
        return (int) RecordLayout.bytes(0, KEY_BYTES, payload(key) - KEY_BYTES);
    }

    /**
     * The least number of keys of a load, as far as its requests allow, so that one per cent of it
     * is not tiny.
     */
    int leastKeys() {
        double mean = this == FIXED ? payload(0) : (LEAST + MOST) / 2.0;
        return (int) Math.ceil(100.0 * leastBytes / mean);
    }

    /** The finalizer of MurmurHash3. */
    static long mix(long number) {
        long z = (number ^ (number >>> 33)) * 0xFF51_AFD7_ED55_8CCDL;
        z = (z ^ (z >>> 33)) * 0xC4CE_B9FE_1A85_EC53L;
        return z ^ (z >>> 33);
    }
}
