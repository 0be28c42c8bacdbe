package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Change.Lagged;
import dev.cairn.Change.Put;
import dev.cairn.Change.Removed;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The versions of all entries, as a feed tells them. Once nobody writes and the replica has caught
 * up, it must equal the store. The latest change of a key may be missing only where {@link Lagged}
 * says so.
 */
public final class Replica implements AutoCloseable {
    private final CairnStore store;
    private final ChangeFeed<byte[]> feed;
    private final Map<String, Long> versions = new TreeMap<>();
    private final Map<Integer, Long> last = new HashMap<>();
    private Predicate<Put<byte[]>> judge = _ -> true;
    private long lagged;
    private long told;

    public Replica(CairnStore store, ChangeFeed<byte[]> feed) {
        this.store = store;
        this.feed = feed;
        store.forEach((key, _) -> look(key));
    }

    /** Sets what every put that the replica is told of must satisfy. */
    public void judgeBy(Predicate<Put<byte[]>> judge) {
        this.judge = judge;
    }

    private void look(byte[] key) {
        Versioned found = store.getVersioned(key);
        if (found == null) {
            versions.remove(new String(key, UTF_8));
        } else {
            versions.put(new String(key, UTF_8), found.version());
        }
    }

    /** Takes all the changes that there are now. */
    public void catchUp() throws InterruptedException {
        while (next(Duration.ZERO)) {
            // Takes the next one.
        }
    }

    /** Takes the next change. Returns false if none came. */
    public boolean next(Duration timeout) throws InterruptedException {
        Change<byte[]> change = feed.poll(timeout);
        if (change == null) {
            return false;
        }
        told++;
        switch (change) {
            case Put<byte[]> put -> {
                assertThat(store.stripeOf(put.key())).isEqualTo(put.stripe());
                inOrder(put.stripe(), put.version());
                assertThat(judge.test(put)).as("whether this put was made: %s", put).isTrue();
                versions.put(new String(put.key(), UTF_8), put.version());
            }
            case Removed<byte[]> removed -> {
                assertThat(store.stripeOf(removed.key())).isEqualTo(removed.stripe());
                inOrder(removed.stripe(), removed.version());
                versions.remove(new String(removed.key(), UTF_8));
            }
            case Lagged<byte[]>(int stripe) -> {
                lagged++;
                versions.keySet().removeIf(key -> store.stripeOf(key.getBytes(UTF_8)) == stripe);
                store.forEachIn(stripe, (key, _) -> look(key));
            }
        }
        return true;
    }

    private void inOrder(int stripe, long version) {
        Long before = last.put(stripe, version);
        assertThat(before == null || before < version)
                .as("order of versions %d and %d in stripe %d", before, version, stripe)
                .isTrue();
    }

    public long lagged() {
        return lagged;
    }

    public long told() {
        return told;
    }

    /**
     * Whether the replica equals the store while nobody writes. It may still have entries that
     * expired.
     */
    public boolean isEqual() {
        return difference().isEmpty();
    }

    /**
     * Waits until the replica equals the store. The last write of a dead writer is told once
     * somebody has repaired it.
     */
    public void awaitEqual(Duration patience) throws InterruptedException {
        long start = System.nanoTime();
        Map<String, String> difference = difference();
        while (!difference.isEmpty() && System.nanoTime() - start < patience.toNanos()) {
            boolean _ = next(Duration.ofMillis(100));
            catchUp();
            difference = difference();
        }
        assertThat(difference).isEmpty();
    }

    public void requireEqual() {
        assertThat(difference()).isEmpty();
    }

    private Map<String, String> difference() {
        Map<String, Long> content = new HashMap<>();
        store.forEach((key, _) -> {
            Versioned found = store.getVersioned(key);
            if (found != null) {
                content.put(new String(key, UTF_8), found.version());
            }
        });
        Map<String, String> difference = new TreeMap<>();
        content.forEach((key, version) -> {
            if (!version.equals(versions.get(key))) {
                difference.put(key, "store " + version + ", replica " + versions.get(key));
            }
        });
        versions.forEach((key, version) -> {
            if (!content.containsKey(key) && !key.startsWith("fleeting")) {
                difference.put(key, "store none, replica " + version);
            }
        });
        return difference;
    }

    @Override
    public void close() {
        feed.close();
    }
}
