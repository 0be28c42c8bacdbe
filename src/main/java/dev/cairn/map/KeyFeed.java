package dev.cairn.map;

import dev.cairn.Change;
import dev.cairn.ChangeFeed;
import dev.cairn.near.Coding;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/** A store's feed with its keys decoded. */
record KeyFeed<K>(ChangeFeed<byte[]> bytes, Coding<K, ?> coding) implements ChangeFeed<K> {
    @Override
    public @Nullable Change<K> poll(Duration timeout) throws InterruptedException {
        return switch (bytes.poll(timeout)) {
            case null -> null;
            case Change.Put<byte[]> put ->
                    new Change.Put<>(coding.key(put.key()), put.version(), put.stripe());
            case Change.Removed<byte[]> removed ->
                    new Change.Removed<>(
                            coding.key(removed.key()), removed.version(), removed.stripe());
            case Change.Lagged<byte[]> lagged -> new Change.Lagged<>(lagged.stripe());
        };
    }

    @Override
    public void close() {
        bytes.close();
    }
}
