package dev.cairn.engine;

import dev.cairn.Recovery;
import dev.cairn.events.Events;
import dev.cairn.events.Recording;
import dev.cairn.events.StoreLog;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/**
 * What was found and done when a store was opened.
 *
 * @param behind whether writes after the checkpoint to which it was taken back may be lost
 */
record OpeningReport(
        Kind kind,
        String detail,
        long epoch,
        long entries,
        long bytes,
        int repaired,
        Duration time,
        boolean behind)
        implements Recovery {

    /**
     * Logs the report, unless nothing had to be done. If writes may be lost, it is a warning,
     * because somebody must decide whether they matter. If processes were killed, it is none,
     * because nothing was lost with them.
     */
    void tell(Path store, @Nullable Recording<Events.Recovery> event) {
        if (kind == Kind.CREATED || kind == Kind.JOINED || kind == Kind.CLEAN) {
            return;
        }
        if (event != null) {
            event.end(
                    new Events.Recovery(
                            store, kind.name(), detail, epoch, entries, bytes, repaired));
        }
        StoreLog log = new StoreLog(store);
        if (behind) {
            log.warn(
                    this
                            + "; everything written after that checkpoint is"
                            + " lost; write it again if you have it from another"
                            + " source");
        } else {
            log.info(toString());
        }
    }

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
