package dev.cairn.engine;

import dev.cairn.format.StripeWords;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Waiters;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.TimeUnit;

/** Waits for another version of one key's entry; see stripe.Waiters for the steps. */
final class KeyWait implements Waiting.Awaited<Long> {
    private final Reader reader;
    private final StripeWords words;
    private final Waiters waiters;
    private final byte[] key;
    private final long hash;
    private final long since;

    /**
     * The entry at the last look, null if it was absent; then the stripe's version before that
     * look.
     */
    private @Nullable ConfirmedEntry seen;

    private long stripeVersion;

    KeyWait(SharedMemory shared, Reader reader, byte[] key, long since) {
        this.reader = reader;
        this.hash = reader.hash(key);
        this.words = shared.stripe(reader.stripeOf(key));
        this.waiters = new Waiters(shared);
        this.key = key;
        this.since = since;
    }

    @Override
    public @Nullable Long look() {
        Steps.at("A2");
        if (seen == null) {
            stripeVersion = words.acquire(StripeWords.VERSION);
        }
        seen = reader.sight(key, hash);
        long version = seen == null ? 0 : seen.version();
        return version == since ? null : version;
    }

    /** The time until the entry expires: it changes then, and no writer reports that. */
    @Override
    public long patienceNanos() {
        return seen == null || seen.expires() == 0
                ? Long.MAX_VALUE
                : TimeUnit.MILLISECONDS.toNanos(Math.max(1, seen.expires() - reader.clock().now()));
    }

    /**
     * Whether the entry may have changed. A present entry changes with its own words. They lie
     * apart from the words that every write to the stripe changes, and to read the latter would
     * slow the writers down.
     */
    @Override
    public boolean stirred() {
        return seen == null
                ? words.acquire(StripeWords.VERSION) != stripeVersion
                : !reader.unchanged(seen.stripe(), seen.table(), seen.slotAt(), seen.slot());
    }

    @Override
    public int ask() {
        return waiters.ask(words);
    }

    @Override
    public boolean sleep(int asked, long nanos) {
        return waiters.sleep(words, asked, nanos);
    }

    @Override
    public void idle() {}
}
