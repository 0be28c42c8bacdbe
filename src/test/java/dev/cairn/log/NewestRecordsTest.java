package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Content;
import dev.cairn.Seed;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** Compares the table of newest records with a map, while many keys share a hash or a slot. */
class NewestRecordsTest {
    /** So many that the table grows several times. */
    private static final int KEYS = 3_000;

    private static final int ENTRIES = 20_000;

    /** What was entered at an offset. */
    private record Entered(
            int key, long offset, boolean tombstone, long version, int bytes, int runRegions) {}

    private final Map<Long, Entered> byOffset = new HashMap<>();
    private final Map<Integer, Entered> newest = new HashMap<>();
    private final NewestRecords records =
            new NewestRecords(
                    (offset, key) -> Arrays.equals(Content.key(byOffset.get(offset).key), key));

    @AfterEach
    void close() {
        records.close();
        assertThatThrownBy(() -> records.find(0, new byte[8])) // its memory is given back
                .isInstanceOf(IllegalStateException.class);
    }

    /**
     * Three keys have each hash. The low bits, which choose the slot, are those of 40 hashes; the
     * first of these begin with the last slots.
     */
    private static long hash(int key) {
        return (long) (key / 3) << 32 | key / 120 * 7L - 8 & 0xFFFF_FFFFL;
    }

    private void enter(Entered entered) {
        byOffset.put(entered.offset, entered);
        newest.merge(entered.key, entered, (old, next) -> next.version >= old.version ? next : old);
        records.enter(
                hash(entered.key),
                Content.key(entered.key),
                entered.offset,
                entered.tombstone,
                entered.version,
                entered.bytes,
                entered.runRegions);
    }

    @Test
    void eachKeyHasItsNewestRecord() {
        Random random = Seed.random(getClass());
        for (int i = 1; i <= ENTRIES; i++) {
            enter(
                    new Entered(
                            random.nextInt(KEYS),
                            16L * i,
                            random.nextInt(4) == 0,
                            random.nextInt(500),
                            32 + 16 * random.nextInt(100),
                            random.nextInt(10) == 0 ? 1 + random.nextInt(3) : 0));
            if (i % 2_000 == 0) {
                compare();
            }
        }
        assertThat(newest).hasSizeGreaterThan(KEYS * 9 / 10);
    }

    private void compare() {
        long puts = 0;
        long bytes = 0;
        long runRegions = 0;
        for (int key = 0; key < KEYS; key++) {
            Entered expected = newest.get(key);
            long found = records.find(hash(key), Content.key(key));
            if (expected == null) {
                assertThat(found).isEqualTo(NewestRecords.NONE);
                continue;
            }
            assertThat(records.offset(found)).isEqualTo(expected.offset);
            assertThat(records.tombstone(found)).isEqualTo(expected.tombstone);
            assertThat(records.version(found)).isEqualTo(expected.version);
            if (!expected.tombstone) {
                puts++;
                bytes += expected.bytes;
                runRegions += expected.runRegions;
            }
        }
        assertThat(records.puts()).isEqualTo(puts);
        assertThat(records.putBytes()).isEqualTo(bytes);
        assertThat(records.putRunRegions()).isEqualTo(runRegions);
        Map<Integer, Entered> visited = new HashMap<>();
        records.forEach((hash, offset, tombstone, version) -> {
            Entered entered = byOffset.get(offset);
            assertThat(hash).isEqualTo(hash(entered.key));
            assertThat(tombstone).isEqualTo(entered.tombstone);
            assertThat(version).isEqualTo(entered.version);
            assertThat(visited.put(entered.key, entered)).isNull();
        });
        assertThat(visited).isEqualTo(newest);
    }
}
