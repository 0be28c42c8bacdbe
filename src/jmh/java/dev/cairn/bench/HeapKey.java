package dev.cairn.bench;

import java.util.Arrays;

/** A key of a map on the heap: bytes that are compared by content. */
final class HeapKey {
    private final byte[] bytes;

    HeapKey(byte[] bytes) {
        this.bytes = bytes;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof HeapKey key && Arrays.equals(bytes, key.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }
}
