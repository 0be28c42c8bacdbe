package dev.cairn.cache;

import dev.cairn.StoreClosed;
import dev.cairn.engine.KeyLoads;
import dev.cairn.engine.StoreHandle;
import dev.cairn.events.StoreLog;
import dev.cairn.shared.CacheCounters;
import dev.cairn.shared.CacheCounters.Count;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;

/*
 * Actors    threads of any process that want the value of a key, absent or old; threads that write,
 *           invalidate or remove it.
 * Words     the key's entry; the claims and flights of SingleFlight.
 * Steps     K1 the claim on the key      K2 the mark: an entry that says that the key is being loaded. It
 *           is written only if the key's entry is still what was seen: none or another's mark
 *           K3 the loader, without any lock      K4 the value in place of the mark, if the entry
 *           still is the mark; if the loader threw, remove the mark      K5 release the claim
 *           M1 the claim on a key whose entry is old      M2 a look: is it still there, and old?
 *           M3 the loader      M4 the value in place of that entry, if it still is that one
 *           M5 release the claim
 * Why it is safe
 *           A version comes once. Whatever happens to the key between K2 and K4, or M2 and M4, leaves
 *           it with another version, or none: so K4 and M4 write nothing, and what was invalidated does
 *           not come back.
 *           A thread may do K1 to K5 for many keys, since K1 waits for nobody. It waits for the loads
 *           of others only after K5, with no claim in hand: so two threads that load many keys never
 *           wait for one another.
 * What is benign
 *           If there is no room for a claim, two processes may be at K3 with one key. The mark of
 *           the second replaces that of the first, which then writes nothing.
 * If a process dies here
 *           Between K2 and K4: the mark stays. A reader takes the key for absent, and the next K2
 *           replaces the mark. Between M1 and M4: the old entry stays, and its next reader begins.
 */
/** The loads of a cache. */
final class Loads<K, V> {
    private final StoreHandle store;
    private final CacheSettings settings;
    private final long timeoutNanos;
    private final Attempts attempts = new Attempts();
    private final StoreLog log;

    Loads(StoreHandle store, CacheSettings settings) {
        this.store = store;
        this.log = new StoreLog(store.path());
        this.settings = settings;
        this.timeoutNanos = settings.loadTimeout().toNanos();
    }

    /** How long an entry lives if its write names no time to live. */
    Duration timeToLive() {
        Duration named = settings.expireAfterWrite();
        return named == null ? store.defaultTimeToLive() : named;
    }

    /** Loads the value of a key about which nothing is known; null if there is none. */
    @Nullable V load(KeyLookup<K, V> lookup, Loader<K, V> loader) {
        KnownValue<V> answer =
                store.loads()
                        .load(
                                lookup.bytes(),
                                timeoutNanos,
                                lookup::version,
                                lookup::look,
                                () -> {
                                    loadClaimed(List.of(lookup), loader);
                                    return lookup.answer();
                                });
        return answer == null ? null : answer.value();
    }

    /** Finds or loads the answers for keys about which nothing is known. */
    void loadAll(List<KeyLookup<K, V>> absent, Loader<K, V> loader) {
        List<KeyLookup<K, V>> others = loadMine(absent, loader);
        while (!others.isEmpty()) {
            KeyLookup<K, V> first = others.getFirst();
            KnownValue<V> _ =
                    store.loads()
                            .load(
                                    first.bytes(),
                                    timeoutNanos,
                                    first::version,
                                    first::look,
                                    () -> null); // nobody is at it any more: the next turn is
            List<KeyLookup<K, V>> rest = new ArrayList<>(others);
            rest.removeIf(lookup -> lookup.look() != null);
            others = loadMine(rest, loader);
        }
    }

    /** Loads those keys that no other thread is loading, and returns the others. */
    private List<KeyLookup<K, V>> loadMine(List<KeyLookup<K, V>> absent, Loader<K, V> loader) {
        List<KeyLookup<K, V>> others = new ArrayList<>();
        List<KeyLookup<K, V>> mine = new ArrayList<>();
        List<KeyLoads.Begun> begun = new ArrayList<>(absent.size());
        try {
            for (KeyLookup<K, V> lookup : absent) {
                KeyLoads.Begun own = store.loads().tryBegin(lookup.bytes(), timeoutNanos); // K1
                if (own == null) {
                    others.add(lookup);
                } else {
                    begun.add(own);
                    mine.add(lookup);
                }
            }
            loadClaimed(mine, loader);
        } finally {
            begun.forEach(KeyLoads.Begun::close); // K5
        }
        return others;
    }

    /** Loads keys, except those that have an answer by now. */
    private void loadClaimed(List<KeyLookup<K, V>> claimed, Loader<K, V> loader) {
        List<KeyLookup<K, V>> marked = new ArrayList<>(claimed.size());
        try {
            for (KeyLookup<K, V> lookup : claimed) {
                if (lookup.mark() == null) { // K2
                    marked.add(lookup);
                }
            }
            if (!marked.isEmpty()) {
                settle(marked, called(loader, marked)); // K3
            }
        } catch (RuntimeException | Error e) {
            marked.forEach(lookup -> unmark(lookup, e));
            throw e;
        }
    }

    private static void unmark(KeyLookup<?, ?> lookup, Throwable why) {
        try {
            lookup.unmark();
        } catch (RuntimeException | Error e) {
            why.addSuppressed(e); // the mark expires, or the next load replaces it
        }
    }

    private void settle(List<KeyLookup<K, V>> lookups, List<@Nullable V> loaded) {
        for (int i = 0; i < lookups.size(); i++) { // K4, M4
            lookups.get(i).settle(loaded.get(i), timeToLive(), settings.negativeTimeToLive());
        }
    }

    private List<@Nullable V> called(Loader<K, V> loader, List<KeyLookup<K, V>> lookups) {
        CacheCounters counters = store.counters();
        long begun = System.nanoTime();
        boolean failed = true;
        try {
            List<@Nullable V> loaded = loader.load(lookups.stream().map(KeyLookup::key).toList());
            failed = false;
            return loaded;
        } finally {
            counters.add(Count.LOADS, 1);
            counters.add(Count.LOAD_NANOS, System.nanoTime() - begun);
            counters.add(Count.LOAD_FAILURES, failed ? 1 : 0);
        }
    }

    /** Whether an answer is so old that it must be reloaded. */
    boolean isOld(long writtenMillis) {
        Duration age = settings.refreshAfterWrite();
        return age != null && !store.isReadOnly() && store.now() - writtenMillis >= age.toMillis();
    }

    /** Reloads keys whose answers are old, unless that was tried just now. */
    void refresh(List<KeyLookup<K, V>> old, Loader<K, V> loader) {
        List<KeyLookup<K, V>> due = new ArrayList<>(old);
        due.removeIf(lookup -> !attempts.begin(store.hash(lookup.bytes()), store.now()));
        if (due.isEmpty()) {
            return;
        }
        try {
            settings.refreshExecutor().execute(() -> reload(due, loader));
        } catch (RejectedExecutionException e) {
            log.warn("the executor refused to reload old entries; the cache keeps them", e);
        }
    }

    private void reload(List<KeyLookup<K, V>> due, Loader<K, V> loader) {
        List<KeyLookup<K, V>> mine = new ArrayList<>(due.size());
        List<KeyLoads.Begun> begun = new ArrayList<>(due.size());
        try {
            for (KeyLookup<K, V> lookup : due) {
                KeyLoads.Begun own = store.loads().tryBegin(lookup.bytes(), timeoutNanos); // M1
                if (own != null) {
                    begun.add(own);
                    if (own.isClaimed() && lookup.look() != null && isOld(lookup.writtenMillis())) {
                        mine.add(lookup); // M2
                    }
                }
            }
            if (!mine.isEmpty()) {
                store.counters().add(Count.REFRESHES, 1);
                settle(mine, called(loader, mine)); // M3
                mine.forEach(lookup -> attempts.succeeded(store.hash(lookup.bytes())));
            }
        } catch (StoreClosed _) {
            // no thread waits for what was loaded
        } catch (RuntimeException | Error e) {
            failed(mine, e);
        } finally {
            begun.forEach(KeyLoads.Begun::close); // M5
        }
    }

    private void failed(List<KeyLookup<K, V>> mine, Throwable why) {
        log.warn(
                "old entries could not be reloaded; the cache keeps them and tries"
                        + " again later",
                why);
        mine.forEach(lookup -> attempts.failed(store.hash(lookup.bytes()), store.now()));
    }
}
