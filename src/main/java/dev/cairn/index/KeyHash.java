package dev.cairn.index;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;

import java.util.UUID;

/**
 * The hash of keys: PolymurHash 2.0, a universal family, keyed with the store's random seed.
 * Without the seed nobody can choose keys that collide more often than random ones.
 */
public final class KeyHash {
    private static final long TWEAK = 0;

    private final Hasher64 hasher;

    /**
     * @param seed the seed in the store's header
     */
    public KeyHash(UUID seed) {
        hasher =
                Hashing.polymurHash2_0(
                        TWEAK, seed.getMostSignificantBits(), seed.getLeastSignificantBits());
    }

    public long of(byte[] key) {
        return of(key, 0, key.length);
    }

    /** The hash of a key that lies in a part of an array. */
    public long of(byte[] array, int from, int length) {
        return hasher.hashBytesToLong(array, from, length);
    }
}
