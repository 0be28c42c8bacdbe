package dev.cairn.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.format.BucketWords;
import dev.cairn.format.HashBits;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** The tables of a store as a second mapping has them, and what must be true of them. */
abstract class IndexFixture {
    static final int STRIPES = 2;
    static final int ABSENT = 100_000;
    static final int ABSENT_KEYS = 500;
    static final int AWAY_FROM_HOME = 4;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    SmallScale scale;
    CairnStore store;
    Mapped mapped;
    Index index;
    int entries;

    @BeforeEach
    void fill() throws IOException {
        scale = new SmallScale();
        Path file = directory.resolve("store.cairn");
        store = Cairn.open(file, Options.defaults().withStripes(STRIPES));
        do { // a random seed decides how full a table is when it grows
            for (int end = entries + 100; entries < end; entries++) {
                store.put(Content.key(entries), Content.value(entries, 1, 20));
            }
        } while (new TableImage(file).overflowing() < AWAY_FROM_HOME);
        mapped = Beside.map(file);
        index = mapped.index();
    }

    @AfterEach
    void close() {
        store.close();
        mapped.close();
        scale.close();
    }

    StripeWords words(int stripe) {
        return mapped.shared().stripe(stripe);
    }

    long table(int stripe) {
        return mapped.shared().table(stripe);
    }

    MemorySegment memory(long table) {
        return mapped.shared()
                .covering(TableWord.offset(table), TableWord.bytes(TableWord.log2(table)));
    }

    /** Where the slot words of a stripe stand, by the place of their record. */
    Map<Long, Long> slotAts(int stripe) {
        Map<Long, Long> slotAts = new HashMap<>();
        long table = table(stripe);
        for (long bucket = 0; bucket < 1L << TableWord.log2(table); bucket++) {
            for (int i = 0; i < BucketWords.SLOTS; i++) {
                long at =
                        TableWord.offset(table)
                                + bucket * BucketWords.BYTES
                                + BucketWords.FIRST_SLOT
                                + i * 8L;
                long slot = Words.acquire(memory(table), at);
                if (slot != 0) {
                    assertThat(slotAts.put(SlotWord.offset(slot), at)).isNull();
                }
            }
        }
        return slotAts;
    }

    /** The buckets, in order, that may have an entry with that hash. */
    long[] path(long hash) {
        long table = table(index.stripe(hash));
        int log2 = TableWord.log2(table);
        long[] path = new long[Math.min(8, 1 << log2)];
        long bucket = HashBits.home(HashBits.rest(hash, 1), log2);
        for (int i = 0; i < path.length; i++) {
            path[i] = TableWord.offset(table) + bucket * BucketWords.BYTES;
            bucket = (bucket + HashBits.stride(HashBits.tag(hash))) % (1L << log2);
        }
        return path;
    }

    int passed(long hash, long slotAt) {
        long[] path = path(hash);
        int passed = 0;
        while (path[passed] != BucketWords.bucketAt(slotAt)) {
            passed++;
        }
        return passed;
    }

    /** Requires what the index must say of all entries. Returns how many are away from home. */
    int check(int from, int to) {
        int away = 0;
        Map<Long, Integer> passes = new HashMap<>();
        int[] counts = new int[STRIPES];
        List<Map<Long, Long>> slotAts =
                IntStream.range(0, STRIPES).mapToObj(this::slotAts).toList();
        for (int number = from; number < to; number++) {
            byte[] key = Content.key(number);
            long hash = mapped.hash().of(key);
            int stripe = index.stripe(hash);
            counts[stripe]++;
            long table = table(stripe);
            Index.Found found = index.find(table, hash, key);
            assertThat(found).isNotNull().returns(true, Index.Found::isRecord);
            assertThat(found.isChanged()).isFalse();
            long offset = SlotWord.offset(found.slot());
            assertThat(mapped.records().keyLocked(offset)).isEqualTo(key);
            assertThat(slotAts.get(stripe).get(offset)).isEqualTo(found.slotAt());
            int passed = passed(hash, found.slotAt());
            away += passed > 0 ? 1 : 0;
            for (int i = 0; i < passed; i++) {
                passes.merge(path(hash)[i], 1, Integer::sum);
            }
            assertThat(index.locate(words(stripe), hash, key))
                    .isEqualTo(new Index.Lookup(found.slotAt(), found.slot(), passed, passed + 1));
            assertThat(index.passed(words(stripe), hash, found.slotAt())).isEqualTo(passed);
            assertThat(index.addressOf(table, hash, found.slot())).isEqualTo(found.slotAt());
            assertThat(index.slot(found.slotAt())).isEqualTo(found.slot());
            assertThat(index.slotWord(offset, hash)).isEqualTo(found.slot());
            assertThat(index.slotOf(words(stripe), hash, offset)).isEqualTo(found.slot());
            assertThat(index.pointsTo(words(stripe), hash, offset)).isTrue();
            assertThat(index.pointsTo(words(stripe), hash, offset + 16)).isFalse();
            assertThat(Index.pointsTo(mapped.shared(), table, hash, offset)).isTrue();
            assertThat(Index.pointsTo(mapped.shared(), table, hash, offset + 16)).isFalse();
            long candidate = index.slot(index.candidate(table, hash));
            assertThat(SlotWord.hashBits(candidate)).isEqualTo(SlotWord.hashBits(found.slot()));
            assertThat(BucketWords.tag(meta(found.slotAt()), BucketWords.slotOf(found.slotAt())))
                    .isEqualTo((int) HashBits.tag(hash));
        }
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            Set<Long> seen = new HashSet<>();
            index.forEachSlot(
                    table(stripe),
                    (at, slot) -> {
                        assertThat(index.slot(at)).isEqualTo(slot);
                        seen.add(at);
                    });
            assertThat(seen).isEqualTo(Set.copyOf(slotAts.get(stripe).values()));
            assertThat(seen).hasSize(counts[stripe]);
            for (long at = TableWord.offset(table(stripe));
                    at < end(table(stripe));
                    at += BucketWords.BYTES) {
                assertThat(BucketWords.overflow(Words.acquire(memory(table(stripe)), at)))
                        .isEqualTo(passes.getOrDefault(at, 0));
            }
        }
        return away;
    }

    static long end(long table) {
        return TableWord.offset(table) + ((long) BucketWords.BYTES << TableWord.log2(table));
    }

    long meta(long slotAt) {
        return mapped.shared().word(BucketWords.bucketAt(slotAt));
    }
}
