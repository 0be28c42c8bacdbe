package dev.cairn.map;

import dev.cairn.Change;
import dev.cairn.ChangeFeed;
import dev.cairn.near.EntryCodecs;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/** A store's feed with decoded keys. */
record KeyFeed<K>(ChangeFeed<byte[]> bytes, EntryCodecs<K, ?> codecs) implements ChangeFeed<K> {
    @Override
    public @Nullable Change<K> poll(Duration timeout) throws InterruptedException {
        return switch (bytes.poll(timeout)) {
            case null -> null;
            case Change.Put<byte[]> put ->
                    new Change.Put<>(codecs.key(put.key()), put.version(), put.stripe());
            case Change.Removed<byte[]> removed ->
                    new Change.Removed<>(
                            codecs.key(removed.key()), removed.version(), removed.stripe());
            case Change.Lagged<byte[]> lagged -> new Change.Lagged<>(lagged.stripe());
        };
    }

    @Override
    public void close() {
        bytes.close();
    }
}
