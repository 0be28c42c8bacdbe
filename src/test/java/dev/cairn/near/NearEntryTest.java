package dev.cairn.near;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.engine.ConfirmedEntry;
import dev.cairn.engine.OpenStores;
import dev.cairn.engine.StoreHandle;
import dev.cairn.format.TableWord;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/*
 * Three threads of one process use one cached entry while a fourth writes, step by step:
 *   O  looks the key up and sees it at an old place under an old table word; then it is delayed
 *      (the entry moves, since its region dies, and the table word changes)
 *   N  looks the key up, sees it at its new place under the new table word, and stores both
 *      (the key is overwritten, and its new record is put where O saw the old one)
 *   R  loads the new table word from the cached entry
 *   O  comes to store what it saw
 *   R  loads the slot word, and asks shared memory about the pair
 * If O's place were stored, R would have it together with the new table word. Shared memory would
 * confirm both, since the place is in use again. Then R would return the value that was
 * overwritten.
 */
@Timeout(600)
class NearEntryTest {
    private static final long SEED = 7;
    private static final int KEYS = 60;
    private static final int MOST_WRITES = 100_000;

    @TempDir Path directory;

    /** One entry seen at two places. The next entry of its key then took the first place. */
    private record Overtaken(ConfirmedEntry older, ConfirmedEntry newer) {}

    @Test
    void anOlderLookDoesNotPutAnOldPlaceUnderANewTableWord() {
        try (var _ = new SmallScale();
                StoreHandle store = OpenStores.open(directory.resolve("a.cairn"), small())) {
            Overtaken seen = overtaken(store);
            ConfirmedEntry older = seen.older();
            long newTable = seen.newer().table();
            assertThat(store.unchanged(older.stripe(), newTable, older.slotAt(), older.slot()))
                    .as("whether the old place under the new table word would be confirmed")
                    .isTrue();
            NearEntry<String> held = new NearEntry<>("overwritten", older, 0);
            held.seenAgain(seen.newer()); // N
            long table = held.table(); // R
            assertThat(table).isEqualTo(newTable);
            held.seenAgain(older); // O
            assertThat(store.unchanged(held.stripe(), table, held.slotAt(), held.slot())) // R
                    .as("whether version %d is confirmed, which was overwritten", held.version())
                    .isFalse();
        }
    }

    private static Options small() {
        return Options.defaults()
                .withStripes(1)
                .withMaxBytes(24 * SmallScale.REGION_BYTES + 65536)
                .withDurability(Durability.NONE);
    }

    /** Writes keys at random until an entry was overtaken. */
    private static Overtaken overtaken(StoreHandle store) {
        SplittableRandom random = new SplittableRandom(SEED);
        Map<Integer, List<ConfirmedEntry>> looks = new HashMap<>();
        for (int write = 0; write < MOST_WRITES; write++) {
            store.put(bytes(random.nextInt(KEYS)), new byte[100]);
            for (int key = 0; key < KEYS; key++) {
                ConfirmedEntry now = store.look(bytes(key), 0);
                if (now == null) {
                    continue;
                }
                List<ConfirmedEntry> before = looks.computeIfAbsent(key, _ -> new ArrayList<>());
                if (!before.isEmpty() && before.getLast().version() != now.version()) {
                    for (ConfirmedEntry older : before) {
                        if (isOvertaken(older, before.getLast(), now)) {
                            return new Overtaken(older, before.getLast());
                        }
                    }
                    before.clear();
                }
                if (before.isEmpty() || !isSamePlace(before.getLast(), now)) {
                    before.add(now);
                }
            }
        }
        throw new AssertionError("no key was overtaken in " + MOST_WRITES + " writes");
    }

    private static boolean isOvertaken(
            ConfirmedEntry older, ConfirmedEntry newer, ConfirmedEntry now) {
        return TableWord.isOlder(older.table(), newer.table())
                && newer.table() == now.table()
                && older.slotAt() == now.slotAt()
                && older.slot() == now.slot();
    }

    private static boolean isSamePlace(ConfirmedEntry one, ConfirmedEntry other) {
        return one.table() == other.table() && one.slot() == other.slot();
    }

    private static byte[] bytes(int key) {
        return new byte[] {(byte) key, 1, 2, 3};
    }
}
