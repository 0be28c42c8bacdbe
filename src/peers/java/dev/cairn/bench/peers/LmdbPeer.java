package dev.cairn.bench.peers;

import org.lmdbjava.Dbi;
import org.lmdbjava.DbiFlags;
import org.lmdbjava.Env;
import org.lmdbjava.EnvFlags;
import org.lmdbjava.Txn;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/** LMDB. Each put has a transaction, and each get has one that is reset and renewed. */
final class LmdbPeer implements Peer {
    private static final int MODE = 0600;
    private static final int MAX_READERS = 64;

    private final int keyBytes;
    private final int valueBytes;
    private final Env<ByteBuffer> env;
    private final Dbi<ByteBuffer> map;

    LmdbPeer(Path directory, Setting setting, Entrant entrant) {
        keyBytes = setting.keyBytes();
        valueBytes = setting.valueBytes();
        env =
                Env.create()
                        .setMapSize(
                                (1L << 30) + setting.entries() * (keyBytes + valueBytes + 32L) * 4)
                        .setMaxDbs(1)
                        .setMaxReaders(MAX_READERS)
                        .open(
                                directory.toFile(),
                                MODE,
                                EnvFlags.MDB_NOSYNC,
                                EnvFlags.MDB_WRITEMAP,
                                EnvFlags.MDB_NORDAHEAD);
        map = env.openDbi("peer", DbiFlags.MDB_CREATE);
    }

    @Override
    public Session session() {
        Txn<ByteBuffer> reading = env.txnRead();
        reading.reset();
        ByteBuffer keyBuffer = ByteBuffer.allocateDirect(keyBytes);
        ByteBuffer valueBuffer = ByteBuffer.allocateDirect(valueBytes);
        return new Session() {
            @Override
            public byte[] get(byte[] key) {
                keyBuffer.clear().put(key).flip();
                reading.renew();
                ByteBuffer found = map.get(reading, keyBuffer);
                byte[] value = null;
                if (found != null) {
                    value = new byte[found.remaining()];
                    found.get(value);
                }
                reading.reset();
                return value;
            }

            @Override
            public void put(byte[] key, byte[] value) {
                keyBuffer.clear().put(key).flip();
                valueBuffer.clear().put(value).flip();
                try (Txn<ByteBuffer> writing = env.txnWrite()) {
                    map.put(writing, keyBuffer, valueBuffer);
                    writing.commit();
                }
            }

            @Override
            public void close() {
                reading.close();
            }
        };
    }

    @Override
    public void sync() {
        env.sync(true);
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public void close() {
        env.close();
    }
}
