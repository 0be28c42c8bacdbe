package dev.cairn.bench.report;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What operations are called in charts. */
final class Names {
    private static final Pattern RATE =
            Pattern.compile("(get|put|getAll-([0-9]+)|mix([0-9]+))(-zipf)?-([0-9+]+)");

    private Names() {}

    /** "mix95-zipf-2" is "95 % gets, zipf, 2 threads", as narrow as may be. */
    static String operation(String name) {
        Matcher parts = RATE.matcher(name);
        return parts.matches() ? what(parts) + ", " + who(parts.group(5)) : name;
    }

    private static String what(Matcher parts) {
        if (parts.group(3) != null) {
            return parts.group(3) + " % gets";
        }
        return parts.group(2) != null ? "getAll of " + parts.group(2) : parts.group(1);
    }

    private static String who(String workers) {
        int processes = workers.split("\\+", -1).length;
        if (processes > 1) {
            return processes + " processes";
        }
        return workers.equals("1") ? "1 thread" : workers + " threads";
    }
}
