package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Seed;
import dev.cairn.process.Event.Operation;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Attacks the judge of histories before it judges any: it must accept histories that have an order
 * and refuse those that have none. The refused histories serve as its canaries.
 */
class LinearizerTest {
    private final List<Event> events = new ArrayList<>();

    private void event(Operation operation, long id, long found, long result, long from, long to) {
        events.add(new Event(0, operation, 0, id, 0, from, to, found, result));
    }

    private void put(long id, long version, long from, long to) {
        event(Operation.PUT, id, 0, version, from, to);
    }

    private void get(long found, long from, long to) {
        event(Operation.GET, 0, found, 0, from, to);
    }

    private boolean holds() {
        return new Linearizer(false).violation(events) == null;
    }

    private boolean holdsOfACache() {
        return new Linearizer(true).violation(events) == null;
    }

    @Test
    void aReadMaySeeEitherValueWhileAWriteIsUnderWay() {
        put(1, 1, 0, 1);
        put(2, 2, 2, 9);
        get(2, 3, 4);
        get(2, 5, 6);
        assertThat(holds()).isTrue();
        get(1, 7, 8); // but not the older one after the newer
        assertThat(holds()).isFalse();
    }

    @Test
    void aReadAfterTheReturnSeesTheWrite() {
        put(1, 1, 0, 1);
        put(2, 2, 2, 3);
        get(1, 4, 5);
        assertThat(holds()).isFalse();
    }

    @Test
    void whatAKilledProcessWroteIsThereOrNot() {
        put(1, 1, 0, 1);
        put(2, 0, 2, Event.NEVER);
        get(1, 3, 4);
        get(2, 5, 6);
        assertThat(holds()).isTrue();
        get(1, 7, 8);
        assertThat(holds()).isFalse();
    }

    @Test
    void mergesAddUp() {
        event(Operation.MERGE, 1, 1, 0, 0, 3);
        event(Operation.MERGE, 1, 2, 0, 1, 2);
        assertThat(holds()).isTrue();
        event(Operation.MERGE, 1, 2, 0, 4, 5);
        assertThat(holds()).isFalse();
    }

    @Test
    void versionsGrowAndAreWhatConditionsCompare() {
        put(1, 5, 0, 1);
        events.add(new Event(0, Operation.REPLACE, 0, 2, 5, 2, 3, 0, 6));
        events.add(new Event(0, Operation.REPLACE, 0, 3, 5, 4, 5, 0, 0));
        event(Operation.GET_VERSIONED, 0, 2, 6, 6, 7);
        assertThat(holds()).isTrue();
        put(4, 6, 8, 9); // a version that was given before
        assertThat(holds()).isFalse();
    }

    @Test
    void aConditionThatHoldsIsNotRefused() {
        put(1, 5, 0, 1);
        events.add(new Event(0, Operation.REMOVE_VERSION, 0, 0, 5, 2, 3, 0, 0));
        assertThat(holds()).isFalse();
    }

    @Test
    void anEvictedEntryDoesNotComeBack() {
        put(1, 1, 0, 1);
        get(0, 2, 3);
        assertThat(holds()).isFalse();
        assertThat(holdsOfACache()).isTrue();
        get(1, 4, 5);
        assertThat(holdsOfACache()).isFalse();
    }

    /**
     * The histories are those of an atomic register, made by choosing the linearization points
     * first. All of them must hold, and must not once a read is forged.
     */
    @Test
    void historiesThatWereMadeByAnOrderHoldAndOnesWithAForgedReadDoNot() {
        Random random = Seed.random(getClass());
        int caught = 0;
        for (int history = 0; history < 200; history++) {
            events.clear();
            long value = 0;
            long version = 0;
            for (int i = 1; i <= 60; i++) {
                long from = 10L * i - random.nextInt(30);
                long to = 10L * i + random.nextInt(30);
                if (random.nextInt(3) == 0) {
                    value = i;
                    boolean killed = random.nextInt(10) == 0;
                    version++;
                    put(value, killed ? 0 : version, from, killed ? Event.NEVER : to);
                } else {
                    get(value, from, to);
                }
            }
            assertThat(holds()).as("history %d", history).isTrue();
            long last =
                    events.stream()
                            .mapToLong(Event::returned)
                            .filter(t -> t != Event.NEVER)
                            .max()
                            .orElseThrow();
            put(100, version + 1, last + 1, last + 2);
            put(101, version + 2, last + 3, last + 4);
            get(100, last + 5, last + 6);
            caught += holds() ? 0 : 1;
        }
        assertThat(caught).isEqualTo(200);
    }
}
