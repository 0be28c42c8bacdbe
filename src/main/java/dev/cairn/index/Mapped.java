package dev.cairn.index;

import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.log.DataFile;
import dev.cairn.log.Records;
import dev.cairn.os.MappedFile;
import dev.cairn.shared.SharedMemory;

/** The two files of a store as this process has mapped them, with the objects that read them. */
public record Mapped(
        DataFile data, SharedMemory shared, Records records, KeyHash hash, Index index) {

    public static Mapped of(MappedFile dataFile, DataHeader header, MappedFile sharedFile) {
        SharedMemory shared =
                new SharedMemory(sharedFile, header.stripes(), SharedLayout.areasAt(header));
        DataFile data = new DataFile(dataFile, header, shared);
        Records records = new Records(data);
        KeyHash hash = new KeyHash(header.hashSeed());
        return new Mapped(data, shared, records, hash, new Index(shared, records, hash));
    }

    /** Unmaps both files. */
    public void close() {
        try {
            data.file().close();
        } finally {
            shared.file().close();
        }
    }
}
