package dev.cairn.process;

import dev.cairn.format.Words;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Stores to the shared memory of a store behind the store's back, and loads from it. */
final class SharedWords {
    private SharedWords() {}

    static Path of(Path store) {
        return store.resolveSibling(store.getFileName() + "-shm");
    }

    static void store(Path store, long at, long value) throws IOException {
        try (Arena arena = Arena.ofConfined();
                FileChannel channel =
                        FileChannel.open(
                                of(store), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long length = at + Long.BYTES;
            Words.release(channel.map(MapMode.READ_WRITE, 0, length, arena), at, value);
        }
    }

    static long load(Path store, long at) throws IOException {
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(of(store), StandardOpenOption.READ)) {
            return Words.acquire(channel.map(MapMode.READ_ONLY, 0, at + Long.BYTES, arena), at);
        }
    }
}
