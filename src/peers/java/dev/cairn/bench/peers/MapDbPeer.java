package dev.cairn.bench.peers;

import org.mapdb.DB;
import org.mapdb.DBMaker;
import org.mapdb.HTreeMap;
import org.mapdb.Serializer;

import java.nio.file.Path;

/** The hash map of MapDB over a mapped file, without its write-ahead log. */
final class MapDbPeer implements Peer {
    private static final long GROWTH_BYTES = 64L << 20;

    private final DB store;
    private final HTreeMap<byte[], byte[]> map;

    MapDbPeer(Path directory, Setting setting, Entrant entrant) {
        long expected = setting.entries() * (setting.keyBytes() + setting.valueBytes() + 20L);
        store =
                DBMaker.fileDB(directory.resolve("mapdb").toFile())
                        .fileMmapEnable()
                        .fileMmapPreclearDisable()
                        .allocateStartSize(Math.max(GROWTH_BYTES, expected))
                        .allocateIncrement(GROWTH_BYTES)
                        .concurrencyScale(16)
                        .make();
        map =
                store.hashMap("peer", Serializer.BYTE_ARRAY, Serializer.BYTE_ARRAY)
                        .layout(8, 128, 4)
                        .createOrOpen();
    }

    @Override
    public Session session() {
        return new Session() {
            @Override
            public byte[] get(byte[] key) {
                return map.get(key);
            }

            @Override
            public void put(byte[] key, byte[] value) {
                map.put(key, value);
            }
        };
    }

    @Override
    public void sync() {
        store.commit();
    }

    @Override
    public void close() {
        store.close();
    }
}
