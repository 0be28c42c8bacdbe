package dev.cairn.engine;

import dev.cairn.SharedMemoryStore;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The stores of one directory, by default the system's shared memory. */
public final class MemoryStores {
    private final Path directory;

    private MemoryStores(Path directory) {
        this.directory = directory;
    }

    /**
     * @throws UncheckedIOException if there is no such directory
     */
    static MemoryStores in(Path directory) {
        try {
            return new MemoryStores(directory.toRealPath());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static MemoryStores ofSystem() {
        return in(StoreFiles.MEMORY);
    }

    /** See {@link dev.cairn.Cairn#sharedMemoryStores}. */
    public List<SharedMemoryStore> list() {
        try {
            List<SharedMemoryStore> rows = new ArrayList<>();
            for (Map.Entry<String, MemoryFiles> each : MemoryFiles.in(directory).entrySet()) {
                try {
                    rows.add(MemoryRow.of(each.getKey(), each.getValue()));
                } catch (NoSuchFileException _) {
                    // removed meanwhile
                }
            }
            return List.copyOf(rows);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** See {@link dev.cairn.Cairn#removeSharedMemory}. */
    public long remove(String name) {
        return removal(name).removeAll();
    }

    /** See {@link dev.cairn.Cairn#removeSharedMemoryLeftovers}. */
    public long removeLeftovers(String name) {
        return removal(name).removeLeftovers();
    }

    private MemoryRemoval removal(String name) {
        return new MemoryRemoval(
                StoreFiles.at(directory.resolve(StoreFiles.inMemory(name).getFileName())));
    }
}
