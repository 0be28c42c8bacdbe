package dev.cairn.process;

import org.jspecify.annotations.Nullable;

/**
 * What the sequential specification knows about one key, that is, what a store must hold that does
 * one operation after the other.
 *
 * @param id the id of its value: the number itself if the key is merged, 0 if it is absent
 * @param version the version of its entry. If the key is absent, or a process died before it learnt
 *     the version, it is one that every later version must exceed
 * @param known whether the entry has exactly that version
 */
record KeyState(long id, long version, boolean known) {
    static final KeyState ABSENT = new KeyState(0, 0, false);

    /**
     * The state after an operation, or null if the operation cannot have had this outcome here. An
     * operation that never returned counts as having an effect, since without one it can be left
     * out.
     *
     * @param evicts whether an entry may vanish at any time, never to come back by itself
     */
    @Nullable KeyState after(Event event, boolean evicts) {
        KeyState next = after(event);
        return next == null && evicts && id != 0 ? absent(version).after(event) : next;
    }

    private @Nullable KeyState after(Event event) {
        return switch (event.operation()) {
            case GET -> event.found() == id ? unchanged(event) : null;
            case GET_VERSIONED -> seen(event);
            case PUT -> written(event);
            case PUT_IF_ABSENT -> id == 0 ? written(event) : undone(event);
            case REPLACE -> isRightVersion(event) ? written(event) : undone(event);
            case REMOVE -> id == 0 ? undone(event) : removed(event);
            case REMOVE_VERSION -> isRightVersion(event) ? removed(event) : undone(event);
            case MERGE ->
                    event.isPending() || event.found() == id + event.id()
                            ? new KeyState(id + event.id(), version, false)
                            : null;
        };
    }

    private @Nullable KeyState unchanged(Event event) {
        return event.isPending() ? null : this;
    }

    private @Nullable KeyState seen(Event event) {
        if (event.isPending() || event.found() != id) {
            return null;
        }
        if (id == 0) {
            return this;
        }
        return isVersion(event.result()) ? new KeyState(id, event.result(), true) : null;
    }

    private @Nullable KeyState undone(Event event) {
        return event.result() == 0 ? unchanged(event) : null;
    }

    private @Nullable KeyState written(Event event) {
        if (event.isPending()) {
            return new KeyState(event.id(), version, false);
        }
        return event.result() > version ? new KeyState(event.id(), event.result(), true) : null;
    }

    private @Nullable KeyState removed(Event event) {
        if (event.isPending()) {
            return absent(version);
        }
        return event.result() > version ? absent(event.result()) : null;
    }

    private static KeyState absent(long version) {
        return new KeyState(0, version, false);
    }

    private boolean isVersion(long candidate) {
        return known ? candidate == version : candidate > version;
    }

    /** If the version is not known, the result of the operation tells it. */
    private boolean isRightVersion(Event event) {
        return id != 0
                && isVersion(event.version())
                && (known || event.isPending() || event.result() != 0);
    }
}
