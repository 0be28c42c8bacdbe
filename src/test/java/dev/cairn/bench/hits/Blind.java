package dev.cairn.bench.hits;

import dev.cairn.format.CacheLayout;
import dev.cairn.format.DataHeader;

import java.io.IOException;
import java.io.InputStream;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A store whose eviction is made blind. Every few requests, everything that it knows of the use of
 * entries is overwritten with zeros, except what stands in their records. So it is as if there were
 * no marks and no ghosts.
 */
final class Blind implements Policy {
    private static final int REQUESTS = 64;

    private final CairnPolicy cairn;
    private final MappedByteBuffer known;
    private final byte[] zeros;
    private int requests;

    Blind(CairnPolicy cairn) throws IOException {
        this.cairn = cairn;
        Path data = cairn.dataFile();
        DataHeader header;
        try (InputStream in = Files.newInputStream(data)) {
            header = DataHeader.decode(data, in.readNBytes(DataHeader.BLOCK_BYTES));
        }
        Path shared = data.resolveSibling(data.getFileName() + "-shm");
        try (FileChannel channel =
                FileChannel.open(shared, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            known =
                    channel.map(
                            MapMode.READ_WRITE,
                            CacheLayout.stripeAt(header, 0),
                            CacheLayout.bytes(header));
        }
        zeros = new byte[known.capacity()];
    }

    @Override
    public boolean read(int key) {
        if (++requests % REQUESTS == 0) {
            known.put(0, zeros);
        }
        return cairn.read(key);
    }

    @Override
    public void write(int key) {
        cairn.write(key);
    }

    @Override
    public void close() {
        cairn.close();
    }
}
