package dev.cairn.bench.peers;

import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.ChronicleMapBuilder;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Chronicle Map, with checksums, and with the sizes that it must be told in advance. */
final class ChronicleMapPeer implements Peer {
    private final Path file;
    private final ChronicleMap<byte[], byte[]> map;

    ChronicleMapPeer(Path directory, Setting setting, Entrant entrant) throws IOException {
        file = directory.resolve("chronicle");
        map =
                ChronicleMapBuilder.of(byte[].class, byte[].class)
                        .name("peer")
                        .entries(setting.entries())
                        .constantKeySizeBySample(new byte[setting.keyBytes()])
                        .constantValueSizeBySample(new byte[setting.valueBytes()])
                        .checksumEntries(true)
                        .putReturnsNull(true)
                        .createPersistedTo(file.toFile());
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

    /** Otherwise it leaves this to the operating system. */
    @Override
    public void sync() throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(false);
        }
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public void close() {
        map.close();
    }
}
