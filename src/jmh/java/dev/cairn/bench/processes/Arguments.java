package dev.cairn.bench.processes;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The arguments of the form {@code name=value} that were not taken yet. */
public final class Arguments {
    private final Map<String, String> given = new HashMap<>();

    /**
     * Reads the arguments of a program.
     *
     * @throws IllegalArgumentException if one is not of that form
     */
    public Arguments(String... arguments) {
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException(
                        "no argument of the form name=value: " + argument);
            }
            given.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
    }

    public String take(String name, String otherwise) {
        return take(name).orElse(otherwise);
    }

    public Optional<String> take(String name) {
        return Optional.ofNullable(given.remove(name));
    }

    /** Takes an argument that has several values with commas between. */
    public List<String> takeAll(String name, String otherwise) {
        return Arrays.asList(take(name, otherwise).split(",", -1));
    }

    public int takeInt(String name, int otherwise) {
        return Integer.parseInt(take(name, Integer.toString(otherwise)));
    }

    public double takeDouble(String name, double otherwise) {
        return Double.parseDouble(take(name, Double.toString(otherwise)));
    }

    /**
     * Refuses arguments that nobody knows.
     *
     * @throws IllegalArgumentException if some were not taken
     */
    public void requireNoMore() {
        if (!given.isEmpty()) {
            throw new IllegalArgumentException("unknown arguments: " + given.keySet());
        }
    }
}
