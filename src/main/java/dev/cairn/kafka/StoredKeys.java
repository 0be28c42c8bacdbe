package dev.cairn.kafka;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * The keys under which entries lie in a store. These are the keys of the application as they are,
 * and one key of the store's own with which no key of the application can collide.
 *
 * <p>The store's own key is a mark of 8 bytes and a zero byte. If a key of the application begins
 * with the mark, it gets a one byte after the mark, and loses it again when it is read. So two keys
 * never become one.
 */
final class StoredKeys {
    private static final byte[] MARK = {
        (byte) 0xCA, 0x12, (byte) 0x9E, 0x5A, 0x7D, 0x31, (byte) 0xE4, 0x0B
    };
    private static final byte OWN = 0;
    private static final byte ESCAPED = 1;

    private StoredKeys() {}

    /** A copy of the key under which a store keeps what it knows about itself. */
    static byte[] own() {
        return marked(OWN, MARK);
    }

    /**
     * The key under which an entry of the application lies: the array itself, unless it is escaped.
     */
    static byte[] of(byte[] key) {
        return isMarked(key) ? marked(ESCAPED, key) : key;
    }

    /** The application's key of an entry, or null if the entry is the store's own. */
    static byte @Nullable [] toApplication(byte[] stored) {
        if (!isMarked(stored)) {
            return stored;
        }
        if (stored.length == MARK.length || stored[MARK.length] != ESCAPED) {
            return null;
        }
        byte[] key = new byte[stored.length - 1];
        System.arraycopy(stored, 0, key, 0, MARK.length);
        System.arraycopy(stored, MARK.length + 1, key, MARK.length, key.length - MARK.length);
        return key;
    }

    private static boolean isMarked(byte[] key) {
        return key.length >= MARK.length
                && key[0] == MARK[0]
                && Arrays.equals(key, 0, MARK.length, MARK, 0, MARK.length);
    }

    private static byte[] marked(byte kind, byte[] key) {
        byte[] stored = new byte[key.length + 1];
        System.arraycopy(key, 0, stored, 0, MARK.length);
        stored[MARK.length] = kind;
        System.arraycopy(key, MARK.length, stored, MARK.length + 1, key.length - MARK.length);
        return stored;
    }
}
