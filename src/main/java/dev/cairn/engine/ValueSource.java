package dev.cairn.engine;

import org.jspecify.annotations.Nullable;

/** Finds the place of a key's value, as often as asked. */
final class ValueSource implements Views.Source {
    private final StoreHandle store;
    private final Reader reader;
    private final byte[] key;
    private boolean found;

    ValueSource(StoreHandle store, Reader reader, byte[] key) {
        this.store = store;
        this.reader = reader;
        this.key = key;
    }

    @Override
    public Reader.@Nullable View find() {
        Reader.View view = store.guarded(() -> reader.view(key));
        found = view != null;
        return view;
    }

    @Override
    public boolean isCurrent(Reader.View view) {
        return store.guarded(() -> reader.isCurrent(view));
    }

    /** Whether there was a value at the last look. */
    boolean found() {
        return found;
    }
}
