package dev.cairn.engine;

import dev.cairn.format.SlotWord;
import dev.cairn.format.Words;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.log.Records;
import dev.cairn.shared.SharedMemory;

import java.util.List;

/**
 * Keys that are looked up together. For each key it holds the hash, the table word, and the slot
 * word with its position. It fetches all their buckets, and then all records that the slot words
 * name, so that the cache misses overlap.
 */
final class BatchLookup {
    private final SharedMemory shared;
    private final Records records;
    private final KeyHash hash;
    private final Index index;
    private final long[] hashes;
    private final long[] tables;
    private final long[] slotAts;
    private final long[] slots;

    BatchLookup(SharedMemory shared, Records records, KeyHash hash, Index index, int most) {
        this.shared = shared;
        this.records = records;
        this.hash = hash;
        this.index = index;
        this.hashes = new long[most];
        this.tables = new long[most];
        this.slotAts = new long[most];
        this.slots = new long[most];
    }

    void fetch(List<byte[]> keys) {
        long sum = 0;
        for (int i = 0; i < keys.size(); i++) {
            hashes[i] = hash.of(keys.get(i));
            tables[i] = shared.table(index.stripe(hashes[i])); // R1
            sum += index.touch(tables[i], hashes[i]);
        }
        for (int i = 0; i < keys.size(); i++) {
            slotAts[i] = index.candidate(tables[i], hashes[i]);
            slots[i] = slotAts[i] == Index.ABSENT ? 0 : shared.word(slotAts[i]);
            sum += slots[i] == 0 ? 0 : records.touch(SlotWord.offset(slots[i]));
        }
        Words.keepAlive(sum);
    }

    long hash(int key) {
        return hashes[key];
    }

    long table(int key) {
        return tables[key];
    }

    long slotAt(int key) {
        return slotAts[key];
    }

    long slot(int key) {
        return slots[key];
    }
}
