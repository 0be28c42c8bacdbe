package dev.cairn.process;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Judges whether a history is linearizable. It is, if there is an order of its operations in which
 * a store that does one after the other would have given the same results. Each operation must take
 * its place at one instant between its call and its return.
 *
 * <p>Keys are judged one by one, which linearizability allows. The search is that of Wing and Gong
 * with Lowe's memory of configurations: a configuration is the set of operations that are done and
 * the state, and none is searched twice. An operation that never returned may be done at any time
 * after its call, or never.
 */
final class Linearizer {
    /** How many configurations of one key are looked at before the search is given up. */
    private static final int PATIENCE = 5_000_000;

    private final boolean evicts;
    private long configurations;

    /**
     * @param evicts whether entries may vanish at any time
     */
    Linearizer(boolean evicts) {
        this.evicts = evicts;
    }

    /** How many configurations of all keys were looked at. */
    long configurations() {
        return configurations;
    }

    /** What is wrong with the first wrong key, or null if none is wrong. */
    @Nullable String violation(List<Event> events) {
        Map<Integer, List<Event>> byKey =
                events.stream()
                        .collect(
                                Collectors.groupingBy(
                                        Event::key, TreeMap::new, Collectors.toList()));
        for (Map.Entry<Integer, List<Event>> each : byKey.entrySet()) {
            String wrong = new Search(each.getValue()).violation();
            if (wrong != null) {
                return "key " + each.getKey() + ": " + wrong;
            }
        }
        return null;
    }

    private record Configuration(BitSet done, KeyState state) {}

    /**
     * A call or a return. All calls and returns are in one list by time; operations are taken out
     * of it and put back.
     */
    private static final class Moment {
        final int event;
        @Nullable Moment matching;
        Moment before = this;
        Moment after = this;

        Moment(int event) {
            this.event = event;
        }

        boolean isCall() {
            return matching != null;
        }
    }

    private final class Search {
        private final Event[] events;
        private final Moment head = new Moment(-1);
        private final BitSet done = new BitSet();
        private final Set<Configuration> seen = new HashSet<>();
        private int longest;
        private @Nullable Event stuck;

        Search(List<Event> ofKey) {
            events = ofKey.toArray(Event[]::new);
            Arrays.sort(events, Comparator.comparingLong(Event::called));
            record Instant(long at, boolean isReturn, Moment moment) {}
            List<Instant> instants = new ArrayList<>();
            for (int i = 0; i < events.length; i++) {
                Moment call = new Moment(i);
                Moment back = new Moment(i);
                call.matching = back;
                instants.add(new Instant(events[i].called(), false, call));
                instants.add(new Instant(events[i].returned(), true, back));
            }
            // Calls come first at the same nanosecond. That allows more orders, never fewer.
            instants.sort(Comparator.comparingLong(Instant::at).thenComparing(Instant::isReturn));
            instants.forEach(instant -> insert(instant.moment(), head.before));
        }

        private static void insert(Moment moment, Moment behind) {
            moment.before = behind;
            moment.after = behind.after;
            behind.after.before = moment;
            behind.after = moment;
        }

        private static void remove(Moment moment) {
            moment.before.after = moment.after;
            moment.after.before = moment.before;
        }

        private static void restore(Moment moment) {
            moment.before.after = moment;
            moment.after.before = moment;
        }

        private void lift(Moment call) {
            remove(call);
            remove(matching(call));
        }

        private void unlift(Moment call) {
            restore(matching(call));
            restore(call);
        }

        private static Moment matching(Moment call) {
            if (call.matching == null) {
                throw new IllegalArgumentException("a return is no call");
            }
            return call.matching;
        }

        @Nullable String violation() {
            record Step(Moment call, KeyState before) {}
            List<Step> steps = new ArrayList<>();
            KeyState state = KeyState.ABSENT;
            Moment at = head.after;
            while (true) {
                if (at.isCall()) {
                    Event event = events[at.event];
                    KeyState next = state.after(event, evicts);
                    if (next != null && isNew(at.event, next)) {
                        steps.add(new Step(at, state));
                        state = next;
                        done.set(at.event);
                        lift(at);
                        at = head.after;
                    } else {
                        at = at.after;
                    }
                    continue;
                }
                if (at.event < 0 || events[at.event].isPending()) {
                    return null; // the operations that are left never returned
                }
                if (steps.size() >= longest) {
                    longest = steps.size();
                    stuck = events[at.event];
                }
                if (steps.isEmpty()) {
                    return "no order of its %d operations explains them; the search got through %d, up to %s"
                            .formatted(events.length, longest, stuck);
                }
                Step last = steps.removeLast();
                state = last.before();
                done.clear(last.call().event);
                unlift(last.call());
                at = last.call().after;
                if (seen.size() > PATIENCE) {
                    return "undecided after %d configurations of %d operations"
                            .formatted(seen.size(), events.length);
                }
            }
        }

        private boolean isNew(int event, KeyState next) {
            BitSet then = (BitSet) done.clone();
            then.set(event);
            configurations++;
            return seen.add(new Configuration(then, next));
        }
    }
}
