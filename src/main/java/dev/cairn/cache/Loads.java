package dev.cairn.cache;

import dev.cairn.StoreClosed;
import dev.cairn.engine.KeyLoads;
import dev.cairn.engine.StoreHandle;
import dev.cairn.shared.CacheCounters;
import dev.cairn.shared.CacheCounters.Count;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;

/*
 * Actors    threads of any process that want the value of a key, absent or old; whoever writes,
 *           invalidates or removes it.
 * Words     the key's entry; the claims and flights of SingleFlight.
 * Steps     K1 the claim on the key      K2 the mark: an entry that says that the key is loaded, written
 *           only if the key's entry is still the one that was seen, none or another's mark
 *           K3 the loader, without any lock      K4 the value in the place of the mark, if the entry
 *           still is the mark; if the loader threw, nothing in its place      K5 the claim given back
 *           M1 the claim on a key whose entry is old      M2 a look: is it still there, and old?
 *           M3 the loader      M4 the value in the place of that entry, if it still is that one
 *           M5 the claim given back
 * Why it is safe
 *           A version comes once. Whatever happens to the key between K2 and K4, or M2 and M4, leaves
 *           it with another version, or none: so K4 and M4 write nothing, and what was invalidated does
 *           not come back.
 *           K1 to K5 of a thread may be of many keys, since K1 waits for nobody. It waits for what
 *           others load only behind K5, with no claim in hand: so two that load many never wait for one
 *           another.
 * What is benign
 *           Without a claim, for want of room, two processes may be at K3 with one key. The mark of
 *           the second takes the place of the first's, which then writes nothing.
 * If a process dies here
 *           Between K2 and K4: the mark stays. Who looks takes the key for absent, and the next K2
 *           replaces the mark. Between M1 and M4: the old entry stays, and the next to read it begins.
 */
/** The loads of a cache. */
final class Loads<K, V> {
    private static final Logger LOG = System.getLogger("dev.cairn");

    private final StoreHandle store;
    private final Terms terms;
    private final long timeoutNanos;
    private final Attempts attempts = new Attempts();

    Loads(StoreHandle store, Terms terms) {
        this.store = store;
        this.terms = terms;
        this.timeoutNanos = terms.loadTimeout().toNanos();
    }

    /** How long an entry lives that is written without naming a time. */
    Duration timeToLive() {
        Duration named = terms.expireAfterWrite();
        return named == null ? store.defaultTimeToLive() : named;
    }

    /** The value of a key of which nothing is known; null if there is none. */
    @Nullable V load(Sought<K, V> sought, Loader<K, V> loader) {
        Answer<V> answer =
                store.loads()
                        .load(
                                sought.bytes(),
                                timeoutNanos,
                                sought::version,
                                sought::look,
                                () -> {
                                    loadClaimed(List.of(sought), loader);
                                    return sought.answer();
                                });
        return answer == null ? null : answer.value();
    }

    /** Finds or loads the answers of keys of which nothing is known. */
    void loadAll(List<Sought<K, V>> absent, Loader<K, V> loader) {
        List<Sought<K, V>> others = loadMine(absent, loader);
        while (!others.isEmpty()) {
            Sought<K, V> first = others.getFirst();
            Answer<V> _ =
                    store.loads()
                            .load(
                                    first.bytes(),
                                    timeoutNanos,
                                    first::version,
                                    first::look,
                                    () -> null); // nobody is at it any more: the next turn is
            List<Sought<K, V>> rest = new ArrayList<>(others);
            rest.removeIf(sought -> sought.look() != null);
            others = loadMine(rest, loader);
        }
    }

    /** Loads those keys that nobody is at, and returns the others. */
    private List<Sought<K, V>> loadMine(List<Sought<K, V>> absent, Loader<K, V> loader) {
        List<Sought<K, V>> others = new ArrayList<>();
        List<Sought<K, V>> mine = new ArrayList<>();
        List<KeyLoads.Begun> begun = new ArrayList<>(absent.size());
        try {
            for (Sought<K, V> sought : absent) {
                KeyLoads.Begun own = store.loads().tryBegin(sought.bytes(), timeoutNanos); // K1
                if (own == null) {
                    others.add(sought);
                } else {
                    begun.add(own);
                    mine.add(sought);
                }
            }
            loadClaimed(mine, loader);
        } finally {
            begun.forEach(KeyLoads.Begun::close); // K5
        }
        return others;
    }

    /** Loads keys, but for those that have an answer by now. */
    private void loadClaimed(List<Sought<K, V>> claimed, Loader<K, V> loader) {
        List<Sought<K, V>> marked = new ArrayList<>(claimed.size());
        try {
            for (Sought<K, V> sought : claimed) {
                if (sought.mark() == null) { // K2
                    marked.add(sought);
                }
            }
            if (!marked.isEmpty()) {
                settle(marked, called(loader, marked)); // K3
            }
        } catch (RuntimeException | Error e) {
            marked.forEach(sought -> unmark(sought, e));
            throw e;
        }
    }

    private static void unmark(Sought<?, ?> sought, Throwable why) {
        try {
            sought.unmark();
        } catch (RuntimeException | Error e) {
            why.addSuppressed(e); // the mark expires, or the next load replaces it
        }
    }

    private void settle(List<Sought<K, V>> sought, List<@Nullable V> loaded) {
        for (int i = 0; i < sought.size(); i++) { // K4, M4
            sought.get(i).settle(loaded.get(i), timeToLive(), terms.negativeTimeToLive());
        }
    }

    private List<@Nullable V> called(Loader<K, V> loader, List<Sought<K, V>> sought) {
        CacheCounters counters = store.counters();
        long begun = System.nanoTime();
        boolean failed = true;
        try {
            List<@Nullable V> loaded = loader.load(sought.stream().map(Sought::key).toList());
            failed = false;
            return loaded;
        } finally {
            counters.add(Count.LOADS, 1);
            counters.add(Count.LOAD_NANOS, System.nanoTime() - begun);
            counters.add(Count.LOAD_FAILURES, failed ? 1 : 0);
        }
    }

    /** Whether an answer is so old that it is to be loaded again. */
    boolean isOld(long writtenMillis) {
        Duration age = terms.refreshAfterWrite();
        return age != null && !store.isReadOnly() && store.now() - writtenMillis >= age.toMillis();
    }

    /** Has keys whose answers are old loaded again, unless that was tried just now. */
    void refresh(List<Sought<K, V>> old, Loader<K, V> loader) {
        List<Sought<K, V>> due = new ArrayList<>(old);
        due.removeIf(sought -> !attempts.begin(store.hash(sought.bytes()), store.now()));
        if (due.isEmpty()) {
            return;
        }
        try {
            terms.refreshExecutor().execute(() -> reload(due, loader));
        } catch (RejectedExecutionException e) {
            LOG.log(
                    Logger.Level.WARNING,
                    "%s: the executor refuses to load old entries again".formatted(store.path()),
                    e);
        }
    }

    private void reload(List<Sought<K, V>> due, Loader<K, V> loader) {
        List<Sought<K, V>> mine = new ArrayList<>(due.size());
        List<KeyLoads.Begun> begun = new ArrayList<>(due.size());
        try {
            for (Sought<K, V> sought : due) {
                KeyLoads.Begun own = store.loads().tryBegin(sought.bytes(), timeoutNanos); // M1
                if (own != null) {
                    begun.add(own);
                    if (own.isClaimed() && sought.look() != null && isOld(sought.writtenMillis())) {
                        mine.add(sought); // M2
                    }
                }
            }
            if (!mine.isEmpty()) {
                store.counters().add(Count.REFRESHES, 1);
                settle(mine, called(loader, mine)); // M3
                mine.forEach(sought -> attempts.succeeded(store.hash(sought.bytes())));
            }
        } catch (StoreClosed _) {
            // nobody waits for what was loaded
        } catch (RuntimeException | Error e) {
            failed(mine, e);
        } finally {
            begun.forEach(KeyLoads.Begun::close); // M5
        }
    }

    private void failed(List<Sought<K, V>> mine, Throwable why) {
        LOG.log(
                Logger.Level.WARNING,
                "%s: old entries could not be loaded again, and stay".formatted(store.path()),
                why);
        mine.forEach(sought -> attempts.failed(store.hash(sought.bytes()), store.now()));
    }
}
