package dev.cairn.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.util.Collection;
import java.util.concurrent.TimeUnit;

/** A registry that is read meter by meter. Its clock stands still until {@link #next}. */
final class Scraper {
    private final MockClock clock = new MockClock();
    private final SimpleMeterRegistry registry =
            new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);

    SimpleMeterRegistry registry() {
        return registry;
    }

    /** Lets a second pass. */
    Scraper next() {
        clock.add(1, TimeUnit.SECONDS);
        return this;
    }

    void halfway() {
        clock.add(400, TimeUnit.MILLISECONDS);
    }

    /** What a meter shows. A time is in nanoseconds, and a timer shows its total. */
    double value(String name, String... tags) {
        Collection<Meter> found = registry.find(name).tags(tags).meters();
        assertThat(found).as(name + " with " + String.join(" ", tags)).hasSize(1);
        return value(found.iterator().next());
    }

    static double value(Meter meter) {
        return switch (meter) {
            case TimeGauge time -> whole(time.value(TimeUnit.NANOSECONDS));
            case Gauge gauge -> gauge.value();
            case FunctionCounter counter -> counter.count();
            case FunctionTimer timer -> whole(timer.totalTime(TimeUnit.NANOSECONDS));
            default -> throw new AssertionError(meter.getId());
        };
    }

    /** Rounds the last digit, since the registry keeps times in seconds. */
    private static double whole(double nanos) {
        return Math.rint(nanos);
    }

    double count(String name) {
        return registry.get(name).functionTimer().count();
    }

    /** Reads every meter, as a monitoring system does. */
    void scrape() {
        next();
        registry.getMeters().forEach(Scraper::value);
    }
}
