package dev.cairn.engine;

import dev.cairn.format.StripeWords;
import dev.cairn.log.Records.Outline;
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
    private final long since;
    private long stripeVersion;
    private long expires;

    KeyWait(SharedMemory shared, Reader reader, byte[] key, long since) {
        this.reader = reader;
        this.words = shared.stripe(reader.stripeOf(key));
        this.waiters = new Waiters(shared);
        this.key = key;
        this.since = since;
    }

    @Override
    public @Nullable Long look() {
        Steps.at("A2");
        stripeVersion = words.acquire(StripeWords.VERSION);
        Outline found = reader.present(key);
        long version = found == null ? 0 : found.version();
        expires = found == null ? 0 : found.expires();
        return version == since ? null : version;
    }

    /** An entry that expires is another then, and nobody says so. */
    @Override
    public long patienceNanos() {
        return expires == 0
                ? Long.MAX_VALUE
                : TimeUnit.MILLISECONDS.toNanos(Math.max(1, expires - reader.clock().now()));
    }

    @Override
    public boolean stirred() {
        return words.acquire(StripeWords.VERSION) != stripeVersion;
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
