package dev.cairn.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.format.BucketWords;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;

/**
 * Attacks the promise that a walk shows entries of one prefix together, so that a table that swings
 * between two of them loses none.
 */
@Timeout(60)
class WalkGroupsTest extends IndexFixture {
    private static final int FEW = 64;
    private static final int MANY = 80;

    private long table;

    @BeforeEach
    @AfterEach
    void clear() {
        table = table(0);
        for (long at = TableWord.offset(table); at < end(table); at += Long.BYTES) {
            Words.release(memory(table), at, 0);
        }
    }

    private void place(int number, long prefix) {
        long at =
                TableWord.offset(table)
                        + (long) number / BucketWords.SLOTS * BucketWords.BYTES
                        + BucketWords.FIRST_SLOT
                        + number % BucketWords.SLOTS * 8L;
        Words.release(memory(table), at, SlotWord.of(4096 + 16L * number, prefix));
    }

    private static List<List<Long>> groups(Walk walk) {
        List<List<Long>> groups = new ArrayList<>();
        while (walk.hasNext()) {
            List<Long> group = new ArrayList<>();
            for (long slot : walk.slots()) {
                assertThat(walk.slots()).contains(slot);
                group.add(SlotWord.hashBits(slot));
            }
            if (!group.isEmpty()) {
                groups.add(group);
            }
            walk.advance();
        }
        return groups;
    }

    @Test
    void entriesOfOnePrefixAreOneGroup() {
        place(3, 9);
        place(7, 3);
        place(20, 3);
        place(21, (1 << 18) - 1);
        assertThat(groups(new Walk(mapped.shared(), 0)))
                .containsExactly(List.of(3L, 3L), List.of(9L), List.of((1L << 18) - 1));
    }

    @Test
    void groupsAreWholeAlsoInPieces() {
        for (int i = 0; i < MANY; i++) {
            place(i, (MANY - 1 - i) / 2);
        }
        List<List<Long>> groups = groups(new Walk(mapped.shared(), 0, FEW));
        assertThat(groups).hasSize(MANY / 2);
        for (int i = 0; i < MANY / 2; i++) {
            assertThat(groups.get(i)).containsExactly((long) i, (long) i);
        }
    }

    /** There are more entries of one prefix than are noted at a time. */
    @Test
    void oneGroupIsNeverTakenApart() {
        for (int i = 0; i < MANY; i++) {
            place(i, 5);
        }
        place(MANY, 6);
        List<List<Long>> groups = groups(new Walk(mapped.shared(), 0, FEW));
        assertThat(groups).hasSize(2);
        assertThat(groups.getFirst()).hasSize(MANY);
        assertThat(groups.getLast()).containsExactly(6L);
    }

    /** The piece was found to end before a prefix. Then more slots of that prefix come. */
    @Test
    void groupAtTheEndOfAPieceComesOnceAsAWhole() {
        for (int i = 0; i < FEW; i++) {
            place(i, i / 2);
        }
        long edge = FEW / 4;
        int number = FEW;
        for (long prefix : new long[] {edge, edge - 1, edge + 1, edge}) {
            place(number++, prefix);
        }
        List<List<Long>> groups = groups(new Walk(mapped.shared(), 0, FEW));
        assertThat(groups).hasSize(FEW / 2);
        for (int i = 0; i < FEW / 2; i++) {
            int more = i == edge ? 2 : Math.abs(i - edge) == 1 ? 1 : 0;
            assertThat(groups.get(i)).hasSize(2 + more).containsOnly((long) i);
        }
    }

    /**
     * Wherever the walk is when the table swings, it must neither repeat the last group nor skip
     * the next.
     */
    @Test
    void walkThatNotesAnewGoesOnWithTheNextPrefix() {
        for (int i = 0; i < 10; i++) {
            place(i, 5 + i / 2);
        }
        Walk walk = new Walk(mapped.shared(), 0);
        for (long prefix = 5; prefix < 10; prefix++) {
            assertThat(walk.slots()).hasSize(2);
            assertThat(SlotWord.hashBits(walk.slots()[0])).isEqualTo(prefix);
            walk.advance();
            long swings = words(0).acquire(StripeWords.SWINGS);
            words(0).release(StripeWords.SWINGS, swings + 1);
        }
        assertThat(walk.slots()).isEmpty();
        assertThat(walk.hasNext()).isFalse();
        walk.advance();
        assertThat(walk.hasNext()).isFalse();
    }
}
