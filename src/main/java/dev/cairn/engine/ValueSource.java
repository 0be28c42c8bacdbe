package dev.cairn.engine;

import org.jspecify.annotations.Nullable;

/** Where the value of a key lies, again and again. */
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

    /** Whether there was a value when it was last looked for. */
    boolean found() {
        return found;
    }
}
