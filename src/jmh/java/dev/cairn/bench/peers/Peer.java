package dev.cairn.bench.peers;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A store that is measured. Besides this interface, an adapter has a constructor of {@code (Path
 * directory, Setting, Entrant)}. It opens the store of that directory, or creates it there.
 */
interface Peer extends AutoCloseable {
    /** The store as one thread uses it. */
    interface Session extends AutoCloseable {
        /** A copy of the value that nobody else has, or null when the key is absent. */
        byte[] get(byte[] key) throws Exception;

        /** Gets each key as {@link #get} does, and returns the values in the order of the keys. */
        default List<byte[]> getAll(List<byte[]> keys) throws Exception {
            List<byte[]> values = new ArrayList<>(keys.size());
            for (byte[] key : keys) {
                values.add(get(key));
            }
            return values;
        }

        /** Puts a value. It keeps neither array, since the caller uses both again. */
        void put(byte[] key, byte[] value) throws Exception;

        @Override
        default void close() {}
    }

    /** Opens a session. The thread that will use it calls this, and closes it too. */
    Session session() throws Exception;

    /** Makes durable what was put before. */
    void sync() throws Exception;

    /** Whether the store calls its own {@link #sync} as often as the entrant demands. */
    default boolean syncsItself() {
        return false;
    }

    /** Whether the store keeps its entries in files. */
    default boolean hasFiles() {
        return true;
    }

    /** Whether two processes may write to it at once. */
    default boolean isShared() {
        return false;
    }

    @Override
    void close() throws IOException;
}
