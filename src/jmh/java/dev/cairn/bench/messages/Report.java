package dev.cairn.bench.messages;

import java.util.Locale;

/**
 * What one of the processes saw.
 *
 * @param total how many messages it sent or received in a direction altogether
 * @param measured how many of these were measured
 * @param seconds how long these took
 * @param p50 half of a round trip in microseconds
 * @param switches context switches of its threads meanwhile
 * @param machine processor seconds that the whole machine used meanwhile
 * @param ours processor seconds that this process used meanwhile
 */
record Report(
        long total,
        long measured,
        double seconds,
        double p50,
        double p99,
        Meter.Switches switches,
        double machine,
        double ours) {

    private static final String PREFIX = "report\t";

    static Report since(
            Meter before, Meter after, long total, long measured, double p50, double p99) {
        return new Report(
                total,
                measured,
                after.usage().wall() - before.usage().wall(),
                p50,
                p99,
                after.switchesSince(before),
                after.usage().machine() - before.usage().machine(),
                after.usage().ours() - before.usage().ours());
    }

    static boolean isReport(String line) {
        return line.startsWith(PREFIX);
    }

    String line() {
        return PREFIX
                + String.format(
                        Locale.ROOT,
                        "%d\t%d\t%.9g\t%.9g\t%.9g\t%d\t%d\t%.9g\t%.9g",
                        total,
                        measured,
                        seconds,
                        p50,
                        p99,
                        switches.voluntary(),
                        switches.involuntary(),
                        machine,
                        ours);
    }

    static Report of(String line) {
        String[] words = line.substring(PREFIX.length()).split("\t", -1);
        return new Report(
                Long.parseLong(words[0]),
                Long.parseLong(words[1]),
                Double.parseDouble(words[2]),
                Double.parseDouble(words[3]),
                Double.parseDouble(words[4]),
                new Meter.Switches(Long.parseLong(words[5]), Long.parseLong(words[6])),
                Double.parseDouble(words[7]),
                Double.parseDouble(words[8]));
    }
}
