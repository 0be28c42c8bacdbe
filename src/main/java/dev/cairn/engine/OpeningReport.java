package dev.cairn.engine;

import dev.cairn.Recovery;
import dev.cairn.units.Units;

import java.time.Duration;
import java.util.Locale;

/** What opening a store found and did. */
record OpeningReport(
        Kind kind, String detail, long epoch, long entries, long bytes, int repaired, Duration time)
        implements Recovery {

    @Override
    public String toString() {
        return "%s in %s: %s at checkpoint %s, %s of log read again, stripes repaired: %s; %s"
                .formatted(
                        kind.name().toLowerCase(Locale.ROOT),
                        Units.time(time),
                        Units.entries(entries),
                        Units.count(epoch),
                        Units.bytes(bytes),
                        Units.count(repaired),
                        detail);
    }
}
