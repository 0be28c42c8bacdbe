package dev.cairn.bench.messages;

import dev.cairn.bench.processes.Arguments;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How a run is made. The arguments have the form {@code name=value}, and each has a default.
 *
 * @param ways names that {@link Way} knows, with commas between
 * @param sizes the sizes of messages in bytes
 * @param directions {@code one-way} and {@code ping-pong}
 * @param rounds how often each way gets two fresh JVMs for each size and direction
 * @param seconds how long is measured
 * @param warmup for how many seconds the same traffic goes on before
 * @param silence after how many seconds processes that should have ended are ended, and the run
 *     with them
 * @param stripes the stripes of stores that are made
 * @param heap the heap of each JVM
 * @param directory under which a scratch directory is made, for stores on disk too
 * @param json the file for the figures, if any
 * @param strace whether system calls are counted too, in separate runs
 * @param arguments the arguments as they were given, for the JVMs of both ends
 */
record Setting(
        List<Way> ways,
        List<Integer> sizes,
        List<Direction> directions,
        int rounds,
        double seconds,
        double warmup,
        double silence,
        int stripes,
        String heap,
        Path directory,
        Optional<Path> json,
        boolean strace,
        List<String> arguments) {

    Setting {
        if (rounds < 1 || seconds <= 0 || warmup < 0) {
            throw new IllegalArgumentException("rounds, seconds or warmup are too few");
        }
        if (sizes.stream().anyMatch(bytes -> bytes < Content.LEAST_BYTES)) {
            throw new IllegalArgumentException(
                    "a size is less than " + Content.LEAST_BYTES + ": " + sizes);
        }
    }

    static Setting of(String... arguments) {
        Arguments given = new Arguments(arguments);
        Setting setting =
                new Setting(
                        given.takeAll("ways", Way.ALL).stream().map(Way::of).toList(),
                        given.takeAll("sizes", "100,4096,1048576").stream()
                                .map(Integer::valueOf)
                                .toList(),
                        given.takeAll("directions", "one-way,ping-pong").stream()
                                .map(Direction::of)
                                .toList(),
                        given.takeInt("rounds", 3),
                        given.takeDouble("seconds", 2),
                        given.takeDouble("warmup", 2),
                        given.takeDouble("silence", 30),
                        given.takeInt("stripes", 2),
                        given.take("heap", "256m"),
                        Path.of(given.take("directory", "target")),
                        given.take("json").map(Path::of),
                        yes(given.take("strace", "false")),
                        List.of(arguments));
        given.requireNoMore();
        return setting;
    }

    /** The same setting with so many seconds to measure and to warm up. */
    Setting within(double otherSeconds) {
        List<String> others =
                Stream.concat(
                                arguments.stream()
                                        .filter(each -> !each.matches("(seconds|warmup)=.*")),
                                Stream.of("seconds=" + otherSeconds, "warmup=" + otherSeconds))
                        .toList();
        return of(others.toArray(String[]::new));
    }

    private static boolean yes(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("neither true nor false: " + text);
        };
    }
}
