package dev.cairn.bench.peers;

import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A peer that takes part in a run: {@code cairn}, {@code chronicle-none}, {@code
 * cairn-200ms-before}.
 *
 * @param name the name as it was given
 * @param syncs who makes puts durable, and when
 * @param periodMillis the period of {@link Syncs#PERIODIC}, and of every entrant's syncs while its
 *     store ages
 * @param before whether it is the build of Cairn that {@link Setting#before} names
 */
record Entrant(String name, String peer, Syncs syncs, int periodMillis, boolean before) {
    /** When puts are made durable. */
    enum Syncs {
        /** They are made durable each second, or each so many milliseconds ({@code -200ms}). */
        PERIODIC,
        /**
         * They are made durable by hand ({@code -manual}): each second until the store has aged,
         * then between windows.
         */
        MANUAL,
        /** They are never made durable ({@code -none}). */
        NEVER
    }

    /**
     * The adapters by name. Those of other libraries are there if the profile "peers" compiled
     * them.
     */
    private static final Map<String, String> ADAPTERS =
            Map.of(
                    "cairn", "CairnPeer",
                    "chm", "HeapPeer",
                    "ideal", "IdealPeer",
                    "chronicle", "ChronicleMapPeer",
                    "lmdb", "LmdbPeer",
                    "rocksdb", "RocksDbPeer",
                    "mapdb", "MapDbPeer");

    private static final Pattern NAME =
            Pattern.compile("([a-z]+)(?:-(none|manual|([1-9][0-9]*)ms))?(-before)?");

    static Entrant of(String name) {
        Matcher parts = NAME.matcher(name);
        if (!parts.matches() || !ADAPTERS.containsKey(parts.group(1))) {
            throw new IllegalArgumentException(
                    "\""
                            + name
                            + "\" is none of "
                            + ADAPTERS.keySet()
                            + " with -none, -manual or -NUMBERms behind it, or none, and -before or none");
        }
        String mode = parts.group(2) == null ? "1000ms" : parts.group(2);
        String millis = parts.group(3) == null ? "1000" : parts.group(3);
        Syncs syncs =
                switch (mode) {
                    case "none" -> Syncs.NEVER;
                    case "manual" -> Syncs.MANUAL;
                    default -> Syncs.PERIODIC;
                };
        return new Entrant(
                name, parts.group(1), syncs, Integer.parseInt(millis), parts.group(4) != null);
    }

    Class<? extends Peer> adapter() {
        String type = Peer.class.getPackageName() + "." + ADAPTERS.get(peer);
        try {
            return Class.forName(type).asSubclass(Peer.class);
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException(
                    "The adapter of " + peer + " was not compiled: mvn -Ppeers compiles it.", e);
        }
    }

    Peer open(Path directory, Setting setting) throws Exception {
        try {
            return adapter()
                    .getDeclaredConstructor(Path.class, Setting.class, Entrant.class)
                    .newInstance(directory, setting, this);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(name + " could not be opened", e.getCause());
        }
    }
}
