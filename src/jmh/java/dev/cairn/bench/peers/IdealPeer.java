package dev.cairn.bench.peers;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;

/**
 * What no store can be faster than. A mapped file has a word for each entry, which is found without
 * hashing or probing. The word says where the record lies, and records lie in random order. So a
 * get takes two reads of which one depends on the other, a comparison of the key, and a copy of the
 * value. There are no locks, no checks and no growth.
 */
final class IdealPeer implements Peer {
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment file;
    private final int keyBytes;
    private final int valueBytes;

    IdealPeer(Path directory, Setting setting, Entrant entrant) throws IOException {
        keyBytes = setting.keyBytes();
        valueBytes = setting.valueBytes();
        int entries = setting.entries();
        long recordBytes = (keyBytes + valueBytes + 7L) / 8 * 8;
        try (FileChannel channel =
                FileChannel.open(
                        directory.resolve("ideal"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            boolean isNew = channel.size() == 0;
            long bytes = entries * (Long.BYTES + recordBytes);
            file = channel.map(MapMode.READ_WRITE, 0, bytes, arena);
            if (isNew) {
                placeRecords(entries, recordBytes);
            }
        }
    }

    private void placeRecords(int entries, long recordBytes) {
        SplittableRandom random = new SplittableRandom(9);
        for (int i = 0; i < entries; i++) {
            int j = random.nextInt(i + 1);
            file.set(WORD, i * 8L, file.get(WORD, j * 8L));
            file.set(WORD, j * 8L, entries * 8L + i * recordBytes);
        }
    }

    @Override
    public Session session() {
        return new Session() {
            @Override
            public byte[] get(byte[] key) {
                long record = record(key);
                if (!isKey(record, key)) {
                    return null;
                }
                byte[] value = new byte[valueBytes];
                MemorySegment.copy(
                        file, ValueLayout.JAVA_BYTE, record + keyBytes, value, 0, valueBytes);
                return value;
            }

            @Override
            public void put(byte[] key, byte[] value) {
                long record = record(key);
                if (!isKey(record, key)) {
                    MemorySegment.copy(key, 0, file, ValueLayout.JAVA_BYTE, record, keyBytes);
                }
                MemorySegment.copy(
                        value, 0, file, ValueLayout.JAVA_BYTE, record + keyBytes, valueBytes);
            }
        };
    }

    private long record(byte[] key) {
        return file.get(WORD, Keys.entry(key) * 8);
    }

    private boolean isKey(long record, byte[] key) {
        for (int at = 0; at < key.length; at += 8) {
            if (file.get(WORD, record + at) != Keys.word(key, at)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void sync() {
        file.force();
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public void close() {
        arena.close();
    }
}
