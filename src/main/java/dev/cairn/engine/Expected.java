package dev.cairn.engine;

import dev.cairn.stripe.Stripe;

/** The state of a key that {@link StoreHandle#exchange} expects. */
public enum Expected {
    ANYTHING(Stripe.ANY),
    NOTHING(Stripe.NOTHING),
    SOMETHING(Stripe.SOMETHING);

    private final long version;

    Expected(long version) {
        this.version = version;
    }

    long version() {
        return version;
    }
}
