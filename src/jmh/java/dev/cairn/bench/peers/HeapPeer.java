package dev.cairn.bench.peers;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** A map on the heap that copies keys and values as a store must. */
final class HeapPeer implements Peer {
    private final ConcurrentMap<Key, byte[]> map;

    HeapPeer(Path directory, Setting setting, Entrant entrant) {
        map = new ConcurrentHashMap<>(setting.entries());
    }

    @Override
    public Session session() {
        return new Session() {
            @Override
            public byte[] get(byte[] key) {
                byte[] value = map.get(new Key(key));
                return value == null ? null : value.clone();
            }

            @Override
            public void put(byte[] key, byte[] value) {
                map.put(new Key(key.clone()), value.clone());
            }
        };
    }

    @Override
    public void sync() {
        throw new UnsupportedOperationException("a map on the heap");
    }

    /** There is nothing to sync. */
    @Override
    public boolean syncsItself() {
        return true;
    }

    @Override
    public boolean hasFiles() {
        return false;
    }

    @Override
    public void close() {
        map.clear();
    }

    /** Bytes that are compared by content. Their first word is well mixed already. */
    private static final class Key {
        private final byte[] bytes;

        Key(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && Arrays.equals(bytes, key.bytes);
        }

        @Override
        public int hashCode() {
            return Long.hashCode(Keys.word(bytes, 0));
        }
    }
}
