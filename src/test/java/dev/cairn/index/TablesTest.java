package dev.cairn.index;

import static dev.cairn.format.SharedLayout.AREA_BYTES;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.format.BucketWords;
import dev.cairn.format.HashBits;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Attacks the replacement of tables: when a stripe gets another table, how large it is, and what is
 * in it.
 */
@Timeout(60)
class TablesTest extends IndexFixture {
    private Tables tables() {
        MemorySegment base = mapped.shared().base();
        ProcessTable processes = ProcessTable.solitary(directory.resolve("store.cairn"), base);
        SharedMemory.Locks locks =
                new SharedMemory.Locks(
                        base, processes, new Contention(), TimeUnit.SECONDS.toNanos(10));
        return new Tables(mapped.shared(), locks, index, mapped.records(), mapped.hash());
    }

    /** The table is rebuilt while the store is idle, as another process would do it. */
    @Test
    void rebuiltTableHasEveryEntryOnce() {
        Tables tables = tables();
        for (int turn = 0; turn < 2; turn++) {
            for (int stripe = 0; stripe < STRIPES; stripe++) {
                StripeWords words = words(stripe);
                long before = table(stripe);
                long swings = words.acquire(StripeWords.SWINGS);
                boolean again = turn == 1;
                assertThat(tables.rebuild(words, again)).isZero();
                long after = table(stripe);
                assertThat(TableWord.generation(after)).isEqualTo(TableWord.generation(before) + 1);
                assertThat(TableWord.offset(after)).isNotEqualTo(TableWord.offset(before));
                assertThat(TableWord.log2(after) - TableWord.log2(before))
                        .isBetween(again ? 1 : 0, 1);
                assertThat(words.acquire(StripeWords.SWINGS)).isEqualTo(swings + 1);
                assertThat(words.acquire(StripeWords.BUILDING)).isZero();
                assertThat(words.acquire(StripeWords.STRAIN)).isEqualTo(256);
                assertThat(TableWord.offset(after) % SharedLayout.AREA_BYTES).isZero();
            }
            int _ = check(0, entries);
        }
        assertThat(store.verify().damages()).isEmpty();
    }

    /**
     * The new table has the same size, so entries are away from home again. It is named before it
     * is filled.
     */
    @Test
    void tableThatIsTidiedHasItsEntriesOnTheirPaths() {
        Tables tables = tables();
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            StripeWords words = words(stripe);
            long live = words.acquire(StripeWords.LIVE_COUNT);
            long before = table(stripe);
            words.release(StripeWords.LIVE_COUNT, 0);
            List<Long> building = new ArrayList<>();
            Steps.listen(step -> {
                if (step.matches("G[23]")) {
                    assertThat(words.acquire(StripeWords.TABLE)).isEqualTo(before);
                    building.add(TableWord.offset(words.acquire(StripeWords.BUILDING)));
                }
            });
            assertThat(tables.rebuild(words, false)).isZero();
            Steps.listen(null);
            words.release(StripeWords.LIVE_COUNT, live);
            long after = TableWord.offset(table(stripe));
            assertThat(TableWord.log2(table(stripe))).isEqualTo(TableWord.log2(before));
            assertThat(building).containsExactly(after, after);
        }
        assertThat(check(0, entries)).isPositive();
        byte[] key = Content.key(7);
        long hash = mapped.hash().of(key);
        assertThat(index.stripe(hash)).isEqualTo(HashBits.stripe(hash, 1));
    }

    /** A table is crowded above 4 of 10 slots, the new entry included. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void crowdedTableIsDoubledIfItIsNotHalfEmpty(int more) {
        StripeWords words = words(0);
        long live = words.acquire(StripeWords.LIVE_COUNT);
        int log2 = TableWord.log2(table(0));
        long most = (4L * BucketWords.SLOTS << log2) / 10;
        words.release(StripeWords.LIVE_COUNT, most - 1 + more);
        assertThat(tables().rebuild(words, false)).isZero();
        words.release(StripeWords.LIVE_COUNT, live);
        assertThat(TableWord.log2(table(0))).isEqualTo(log2 + more);
        int _ = check(0, entries);
    }

    /** However large a table is, entries of one hash have the same few places. */
    @Test
    void entriesOfOneHashThatNoTableSpreadsAreDamage() {
        Tables tables = tables();
        MemorySegment base = mapped.shared().base();
        ProcessTable processes = ProcessTable.solitary(directory.resolve("store.cairn"), base);
        SharedMemory.Locks locks =
                new SharedMemory.Locks(
                        base, processes, new Contention(), TimeUnit.SECONDS.toNanos(10));
        long table = table(0);
        int number = 0;
        for (long at = TableWord.offset(table); at < end(table); at += BucketWords.BYTES) {
            Words.release(memory(table), at, 0);
            for (int i = 0; i < BucketWords.SLOTS; i++) {
                long slotAt = at + BucketWords.FIRST_SLOT + 8L * i;
                index.swing(slotAt, SlotWord.of(4096 + 16L * number++, 3), 9);
            }
        }
        assertThat(number).isGreaterThan(8 * BucketWords.SLOTS);
        List<Long> built = new ArrayList<>();
        Steps.listen(step -> {
            if (step.equals("G2")) {
                built.add(words(0).acquire(StripeWords.BUILDING));
            }
        });
        assertThatThrownBy(
                        () -> {
                            for (int turn = 0; turn < 20; turn++) {
                                long room = tables.rebuild(words(0), false);
                                assertThat(room).isPositive();
                                mapped.shared().makeRoom(locks, room);
                            }
                        })
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("at byte " + TableWord.offset(table))
                .hasMessageContaining(
                        "more entries with one hash than there are slots near their home");
        Steps.listen(null);
        assertThat(table(0)).isEqualTo(table);
        assertThat(TableWord.log2(built.getLast())).isEqualTo(TableWord.log2(table) + 8);
        List<Long> small =
                built.stream()
                        .filter(word -> TableWord.bytes(TableWord.log2(word)) == AREA_BYTES)
                        .map(TableWord::offset)
                        .toList();
        assertThat(small).hasSizeGreaterThan(1);
        assertThat(small)
                .as("offsets, as a table that is given up leaves its place")
                .containsOnly(small.get(0));
        words(0).release(StripeWords.BUILDING, 0);
        for (long at = TableWord.offset(table); at < end(table); at += Long.BYTES) {
            Words.release(memory(table), at, 0); // so that the store can be closed
        }
    }

    @Test
    void impossibleCountOfEntriesIsToldBeforeATableIsBuilt() {
        Tables tables = tables();
        StripeWords words = words(1);
        long slots = (long) BucketWords.SLOTS << TableWord.log2(table(1));
        long live = words.acquire(StripeWords.LIVE_COUNT);
        long table = table(1);
        for (long wrong : new long[] {-1, slots + 1, Long.MAX_VALUE}) {
            words.release(StripeWords.LIVE_COUNT, wrong);
            assertThatThrownBy(() -> tables.rebuild(words, false))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("" + wrong);
            assertThat(table(1)).isEqualTo(table);
        }
        words.release(StripeWords.LIVE_COUNT, slots);
        assertThat(tables.rebuild(words, false)).isZero();
        words.release(StripeWords.LIVE_COUNT, 0);
        assertThat(tables.rebuild(words, false)).isZero();
        words.release(StripeWords.LIVE_COUNT, live);
    }

    /** A table is full above 7 of 10 slots. A crowded one, above 4 of 10, is doubled. */
    @Test
    void tableHasRoomForTenSeventhsOfItsEntries() {
        assertThat(Tables.log2For(0, 0)).isZero();
        assertThat(Tables.log2For(4, 0)).isZero();
        assertThat(Tables.log2For(5, 0)).isEqualTo(1);
        assertThat(Tables.log2For(9, 0)).isEqualTo(1);
        assertThat(Tables.log2For(10, 0)).isEqualTo(2);
        assertThat(Tables.log2For(49, 0)).isEqualTo(4);
        assertThat(Tables.log2For(4900, 0)).isEqualTo(10);
        assertThat(Tables.log2For(5017, 0)).isEqualTo(10);
        assertThat(Tables.log2For(5018, 0)).isEqualTo(11);
        assertThat(Tables.log2For(4, 3)).isEqualTo(3);
        assertThat(Tables.log2For(Long.MAX_VALUE / 16, 0)).isEqualTo(TableWord.MAX_LOG2);
    }

    @Test
    void tableIsCrowdedWhenFullOrStrained() {
        Tables tables = tables();
        MemorySegment memory = Arena.ofAuto().allocate(SharedLayout.stripeAt(1), 64);
        StripeWords words = new StripeWords(memory, SharedLayout.stripeAt(0));
        Index.Lookup near = new Index.Lookup(64, 0, 0, 1);
        words.release(StripeWords.TABLE, TableWord.of(SharedLayout.AREA_BYTES, 0, 1));
        words.release(StripeWords.STRAIN, 256);
        words.release(StripeWords.LIVE_COUNT, 3);
        assertThat(tables.crowded(words, near)).isFalse();
        assertThat(words.acquire(StripeWords.STRAIN)).isEqualTo(256);
        assertThat(tables.crowded(words, new Index.Lookup(0, 0, 0, 1))).isTrue();
        words.release(StripeWords.LIVE_COUNT, 4);
        assertThat(tables.crowded(words, near)).isTrue();
        words.release(StripeWords.LIVE_COUNT, 0);
        assertThat(tables.crowded(words, new Index.Lookup(64, 0, 3, 8))).isFalse();
        assertThat(words.acquire(StripeWords.STRAIN))
                .as("strain, raised by a 256th of the difference")
                .isEqualTo(263);
        words.release(StripeWords.STRAIN, 768);
        assertThat(tables.crowded(words, new Index.Lookup(64, 0, 2, 3))).isFalse();
        assertThat(tables.crowded(words, new Index.Lookup(64, 0, 3, 4))).isTrue();
    }

    @Test
    void firstTableNeedsRoomToo() {
        StripeWords words = words(0);
        long before = table(0);
        assertThat(tables().create(words, 24)).isFalse();
        assertThat(table(0)).isEqualTo(before);
        assertThat(words.acquire(StripeWords.BUILDING)).isZero();
    }
}
