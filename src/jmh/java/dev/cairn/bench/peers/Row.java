package dev.cairn.bench.peers;

import dev.cairn.bench.processes.Usage;

import java.util.Locale;

/**
 * A figure.
 *
 * @param what the operation, and which figure of it
 * @param others how many processors others used meanwhile; see {@link Usage}
 * @param compiling how many processors the compiler used meanwhile
 */
record Row(String what, String unit, double value, double others, double compiling) {
    private static final double MAX_OTHERS = 0.35;

    /** Above this the compiler has not come to rest. */
    static final double MAX_COMPILING = 0.02;

    static Row since(Usage before, Usage after, String what, String unit, double value) {
        return new Row(what, unit, value, after.othersSince(before), after.compilingSince(before));
    }

    /** The marks "!" if others were at work too, and "~" if the compiler was. */
    String flags() {
        return (others > MAX_OTHERS ? "!" : "") + (compiling > MAX_COMPILING ? "~" : "");
    }

    String line() {
        return String.format(
                Locale.ROOT, "%s\t%s\t%.6g\t%.2f\t%.3f", what, unit, value, others, compiling);
    }

    static Row of(String line) {
        String[] words = line.split("\t", -1);
        return new Row(
                words[0],
                words[1],
                Double.parseDouble(words[2]),
                Double.parseDouble(words[3]),
                Double.parseDouble(words[4]));
    }
}
