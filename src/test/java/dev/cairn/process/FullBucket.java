package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import dev.cairn.format.BucketWords;
import dev.cairn.format.DataHeader;
import dev.cairn.format.HashBits;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.index.KeyHash;
import dev.cairn.os.Host;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;

/** Looks into the index of a store of one stripe, to bring about what chance alone seldom does. */
final class FullBucket {
    private FullBucket() {}

    /** A key whose home bucket is full, and which would be the first entry to pass that bucket. */
    static String passingKey(Path store, Path sharedMemory) throws IOException {
        byte[] block = Host.read(store, DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES);
        KeyHash hash = new KeyHash(DataHeader.decode(store, block).hashSeed());
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(sharedMemory)) {
            MemorySegment memory =
                    channel.map(MapMode.READ_ONLY, 0, Files.size(sharedMemory), arena);
            long table = Words.acquire(memory, SharedLayout.stripeAt(0) + StripeWords.TABLE);
            for (int i = 0; i < 100_000; i++) {
                String key = "passing" + i;
                long home = HashBits.home(hash.of(bytes(key)), TableWord.log2(table));
                if (full(memory, TableWord.offset(table) + home * BucketWords.BYTES)) {
                    return key;
                }
            }
            throw new AssertionError("no bucket is full; put more entries first");
        }
    }

    private static boolean full(MemorySegment memory, long bucketAt) {
        int taken = 0;
        for (int slot = 0; slot < BucketWords.SLOTS; slot++) {
            long at = bucketAt + BucketWords.FIRST_SLOT + (long) slot * Long.BYTES;
            taken += Words.acquire(memory, at) == 0 ? 0 : 1;
        }
        return taken == BucketWords.SLOTS
                && BucketWords.overflow(Words.acquire(memory, bucketAt)) == 0;
    }
}
