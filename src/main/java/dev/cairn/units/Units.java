package dev.cairn.units;

import java.time.Duration;
import java.util.Locale;

/** Formats figures for people. */
public final class Units {
    private static final String[] BYTES = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final String[] TIMES = {"ns", "µs", "ms", "s"};

    private Units() {}

    public static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    public static String entries(long number) {
        return count(number) + (number == 1 ? " entry" : " entries");
    }

    public static String bytes(long number) {
        return number < 1024 ? number + " bytes" : scaled((double) number, 1024, BYTES);
    }

    public static String time(Duration duration) {
        long nanos = duration.toNanos();
        return nanos < 1000 ? nanos + " ns" : scaled((double) nanos, 1000, TIMES);
    }

    /** A long time in days, hours, minutes and seconds; smaller units only if they matter. */
    public static String span(Duration duration) {
        if (duration.toDays() > 0) {
            return "%s d %d h".formatted(count(duration.toDays()), duration.toHoursPart());
        }
        return duration.toHours() > 0
                ? "%d h %d min".formatted(duration.toHours(), duration.toMinutesPart())
                : "%d min %d s".formatted(duration.toMinutes(), duration.toSecondsPart());
    }

    private static String scaled(double number, int step, String[] names) {
        int name = 0;
        while (number >= step && name < names.length - 1) {
            number /= step;
            name++;
        }
        return String.format(Locale.ROOT, number < 10 ? "%.2f %s" : "%.1f %s", number, names[name]);
    }
}
