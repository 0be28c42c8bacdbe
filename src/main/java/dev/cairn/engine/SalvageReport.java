package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Salvage;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a salvage has found so far. */
final class SalvageReport {
    private final Path source;
    private final Salvage.Progress progress;
    private final List<String> damages = new ArrayList<>();
    private final List<byte[]> lostKeys = new ArrayList<>();
    private final List<byte[]> uncertainKeys = new ArrayList<>();
    private long expected;
    private long entries;
    private long uncertain;
    private long lost;
    private long lostBytes;
    private long listedBytes;
    private long lostRegions;

    SalvageReport(Path source, Salvage.Progress progress) {
        this.source = source;
        this.progress = progress;
    }

    void expect(long liveCount) {
        expected += liveCount;
    }

    void wrote() {
        entries++;
        progress.at(entries, expected);
    }

    void uncertain(byte[] key) {
        uncertain++;
        list(uncertainKeys, key);
    }

    void lost(byte[] key) {
        lost++;
        list(lostKeys, key);
    }

    private void list(List<byte[]> keys, byte[] key) {
        if (keys.size() < Salvage.MAX_LISTED
                && listedBytes + key.length <= Salvage.MAX_LISTED_BYTES) {
            keys.add(key);
            listedBytes += key.length;
        }
    }

    /** Notes a lost entry whose key could not be read either. */
    void lostWithKey() {
        lost++;
    }

    void lostBytes(long at, long bytes, String expectedThere) {
        lostBytes += bytes;
        damage(at, expectedThere, "%d bytes that belong to no record".formatted(bytes));
    }

    void lostRegion() {
        lostRegions++;
    }

    void damage(long at, String expectedThere, String found) {
        if (damages.size() < Salvage.MAX_LISTED) {
            damages.add(new CorruptStore(source, at, expectedThere, found).getMessage());
        }
    }

    Salvage result(long checkpoint, boolean newest) {
        return new SalvageResult(
                checkpoint,
                newest,
                expected,
                entries,
                uncertain,
                lost,
                lostBytes,
                lostRegions,
                damages,
                lostKeys,
                uncertainKeys);
    }
}
