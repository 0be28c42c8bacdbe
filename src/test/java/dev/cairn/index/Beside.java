package dev.cairn.index;

import dev.cairn.format.DataHeader;
import dev.cairn.os.MappedFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Maps the files of an open store, as another process maps them. */
public final class Beside {
    private Beside() {}

    public static Mapped map(Path store) throws IOException {
        Path memory = Path.of(store + "-shm");
        byte[] block = Arrays.copyOf(Files.readAllBytes(store), DataHeader.BLOCK_BYTES);
        return Mapped.of(
                MappedFile.map(store, Files.size(store), true),
                DataHeader.decode(store, block),
                MappedFile.map(memory, Files.size(memory), true));
    }
}
