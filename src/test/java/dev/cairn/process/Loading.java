package dev.cairn.process;

import dev.cairn.process.Ledger.Figure;

import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/** A loader that notes its loads in the {@link Ledger}, at a word of its process's lane. */
record Loading(Ledger ledger, int lane, int word, long start, How how, long millis)
        implements Function<String, Long> {
    /** How a load ends. */
    enum How {
        /** It gives the process id after some time. */
        VALUE,
        /** It gives the process id once the next order was given. */
        VALUE_AT_NEXT_ORDER,
        /** It gives nothing after some time. */
        NOTHING,
        /** The first load fails, and later ones give the process id. */
        FIRST_FAILS
    }

    /** What a failing load throws. */
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1;

        Refused(String message) {
            super(message);
        }
    }

    /** How often all processes loaded since {@link #forget}. */
    static long loads(Ledger ledger, int word) {
        long loads = 0;
        for (int lane = 0; lane < Ledger.LANES; lane++) {
            loads += ledger.begun(lane, word);
        }
        return loads;
    }

    static void forget(Ledger ledger, int word) {
        for (int lane = 0; lane < Ledger.LANES; lane++) {
            ledger.begin(lane, word, 0);
            ledger.set(lane, Figure.LOADING, 0);
        }
    }

    @Override
    public Long apply(String key) {
        ledger.begin(lane, word, ledger.begun(lane, word) + 1);
        ledger.add(lane, Figure.LOADING, 1);
        if (how != How.VALUE_AT_NEXT_ORDER && ledger.sum(Figure.LOADING) != 1) {
            throw new Refused(ledger.sum(Figure.LOADING) + " load " + key + " at once");
        }
        try {
            return load(key);
        } finally {
            ledger.add(lane, Figure.LOADING, -1);
        }
    }

    private Long load(String key) {
        if (how == How.VALUE_AT_NEXT_ORDER) {
            awaitOrder(start + 1);
        } else {
            LockSupport.parkNanos(millis * 1_000_000);
        }
        if (how == How.FIRST_FAILS && loads(ledger, word) == 1) {
            throw new Refused("the first load of " + key + " fails");
        }
        return how == How.NOTHING ? null : (Long) ProcessHandle.current().pid();
    }

    /** Waits until that order or a later one was given. */
    void awaitOrder(long order) {
        while (ledger.order() < order) {
            LockSupport.parkNanos(100_000);
        }
    }
}
