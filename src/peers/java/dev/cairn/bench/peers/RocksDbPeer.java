package dev.cairn.bench.peers;

import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.CompressionType;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;

import java.nio.file.Path;

/**
 * RocksDB with its write-ahead log, without compression, and with a cache that has room for
 * everything.
 */
final class RocksDbPeer implements Peer {
    private static final long CACHE_BYTES = 6L << 30;
    private static final long MEMTABLE_BYTES = 128L << 20;
    private static final int BLOOM_BITS = 10;

    static {
        RocksDB.loadLibrary(); // before any of its objects is made
    }

    private final LRUCache cache = new LRUCache(CACHE_BYTES);
    private final BloomFilter filter = new BloomFilter(BLOOM_BITS);
    private final Options options;
    private final RocksDB store;

    RocksDbPeer(Path directory, Setting setting, Entrant entrant) throws RocksDBException {
        options =
                new Options()
                        .setCreateIfMissing(true)
                        .setCompressionType(CompressionType.NO_COMPRESSION)
                        .setWriteBufferSize(MEMTABLE_BYTES)
                        .setMaxWriteBufferNumber(4)
                        .setMaxBackgroundJobs(2)
                        .setTableFormatConfig(
                                new BlockBasedTableConfig()
                                        .setBlockCache(cache)
                                        .setFilterPolicy(filter));
        store = RocksDB.open(options, directory.toString());
    }

    @Override
    public Session session() {
        return new Session() {
            @Override
            public byte[] get(byte[] key) throws RocksDBException {
                return store.get(key);
            }

            @Override
            public void put(byte[] key, byte[] value) throws RocksDBException {
                store.put(key, value);
            }
        };
    }

    @Override
    public void sync() throws RocksDBException {
        store.flushWal(true);
    }

    @Override
    public void close() {
        store.close();
        options.close();
        filter.close();
        cache.close();
    }
}
