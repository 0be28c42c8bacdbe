package dev.cairn.near;

import dev.cairn.engine.ConfirmedEntry;
import dev.cairn.format.TableWord;

import org.jspecify.annotations.Nullable;

/**
 * A value, and the words of RULE 29 that tell whether it still is that of a key. A hit loads
 * nothing else. The JVM places the fields of a class before those of the classes that extend it, so
 * these lie together, in fewer cache lines than a whole entry has.
 *
 * <p>The words change one by one, under this object's monitor, the table word last; a reader loads
 * it first. They never go back to an older generation of the table. So a reader that loads a table
 * word loads the others of its generation, or of a later one. The latter are of no use to it: the
 * thread that stored them had seen the table word change, and so will the reader, which loads it
 * after them. An old place under a new table word, which might be in use again, never occurs.
 */
abstract class Witnesses<V> {
    /** The stripe of an entry that is absent; its slot word is the hash of the key. */
    private static final int ABSENT = -1;

    private final @Nullable V value;
    private final int stripe;
    private final long expires;
    private volatile long table;
    private long slotAt;
    private long slot;

    /** Creates the witnesses of an entry as it was seen. */
    Witnesses(@Nullable V value, ConfirmedEntry seen) {
        this.value = value;
        this.stripe = seen.stripe();
        this.expires = seen.expires();
        this.table = seen.table();
        this.slotAt = seen.slotAt();
        this.slot = seen.slot();
    }

    /** Creates the witnesses of a key that is absent. */
    Witnesses(long hash) {
        this.value = null;
        this.stripe = ABSENT;
        this.expires = 0;
        this.table = 0;
        this.slotAt = 0;
        this.slot = hash;
    }

    /** The value; null if the entry is absent. */
    public @Nullable V value() {
        return value;
    }

    /** The expiry in milliseconds since 1970, 0 for never. */
    long expires() {
        return expires;
    }

    boolean isAbsent() {
        return stripe == ABSENT;
    }

    /** The hash of an absent key. */
    long hash() {
        return slot;
    }

    int stripe() {
        return stripe;
    }

    /** The table word; it must be loaded before {@link #slotAt} and {@link #slot}. */
    long table() {
        return table;
    }

    long slotAt() {
        return slotAt;
    }

    long slot() {
        return slot;
    }

    /** Takes the witnesses of another look at the same entry, unless it was an earlier one. */
    synchronized void seenAgain(ConfirmedEntry seen) {
        if (TableWord.isOlder(seen.table(), table)) {
            return;
        }
        slotAt = seen.slotAt();
        slot = seen.slot();
        table = seen.table();
    }
}
