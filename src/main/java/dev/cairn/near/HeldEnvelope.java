package dev.cairn.near;

import dev.cairn.engine.ConfirmedEntry;

/** An entry of a cache as it was seen: its value, and what its envelope says. */
public final class HeldEnvelope<V> extends NearEntry<V> {
    private final Envelope.Kind kind;
    private final long writtenMillis;

    HeldEnvelope(Envelope<V> envelope, ConfirmedEntry seen) {
        super(envelope.value(), seen, 0);
        this.kind = envelope.kind();
        this.writtenMillis = envelope.writtenMillis();
    }

    /** Whether it says that the key has a value, or that it has none. */
    public boolean isKnown() {
        return kind != Envelope.Kind.LOADING;
    }

    /** When it was written, in milliseconds since 1970 by the store's clock. */
    public long writtenMillis() {
        return writtenMillis;
    }
}
