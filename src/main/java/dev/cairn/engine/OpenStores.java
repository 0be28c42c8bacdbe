package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Options;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The stores that are open in this process. One that is opened twice is one engine with one mapping,
 * given back when the last handle is closed; the options of the first count.
 */
public final class OpenStores {
    private static final Map<Key, Shared> OPEN = new HashMap<>();

    private OpenStores() {}

    private record Key(Path data, boolean readOnly) {}

    private static final class Shared {
        final Engine engine;
        int handles;

        Shared(Engine engine) {
            this.engine = engine;
        }
    }

    /**
     * Opens a store, or shares the one that is open here.
     *
     * @param given a path, or {@code shm:NAME}
     * @throws UncheckedIOException if a file or its directory cannot be used
     */
    public static StoreHandle open(Path given, Options options) {
        synchronized (OPEN) {
            try {
                StoreFiles files = StoreFiles.of(given);
                Key key = new Key(files.data(), false);
                Shared shared = OPEN.get(key);
                if (shared == null && options.readOnly()) {
                    key = new Key(files.data(), true);
                    shared = OPEN.get(key);
                }
                if (shared == null) {
                    shared = new Shared(engine(files, options));
                    OPEN.put(key, shared);
                }
                shared.handles++;
                return new StoreHandle(shared.engine, options);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static Engine engine(StoreFiles files, Options options) throws IOException {
        try {
            return options.readOnly()
                    ? ReadOnlyOpening.open(files, options)
                    : Opening.open(files, options);
        } catch (CorruptStore e) {
            throw e.path().equals(files.data()) ? e.refusing() : e;
        }
    }

    /** One handle less; the engine goes with the last. */
    static void release(Engine engine) {
        synchronized (OPEN) {
            Key key = new Key(engine.files().data(), engine.readOnly());
            Shared shared = OPEN.get(key);
            if (shared != null && --shared.handles == 0) {
                OPEN.remove(key);
                engine.close();
            }
        }
    }
}
