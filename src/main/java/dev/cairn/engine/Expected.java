package dev.cairn.engine;

import dev.cairn.stripe.Stripe;

/** What {@link StoreHandle#exchange} expects of a key. */
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
