package dev.cairn.bench.messages;

import dev.cairn.bench.processes.ChildJvm;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One of the two processes. Its standard input and output may be the way, so its report goes to the
 * standard error.
 */
final class Child {
    private static final String FIRST = "first";
    private static final String SECOND = "second";
    private static final int OWN_ARGUMENTS = 6;

    private Child() {}

    static List<String> arguments(Case what, Setting setting, Places places, boolean first) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                first ? FIRST : SECOND,
                                places.disk().toString(),
                                places.memory().toString(),
                                what.way().name(),
                                Integer.toString(what.bytes()),
                                what.direction().toString()));
        arguments.addAll(setting.arguments());
        return arguments;
    }

    @SuppressWarnings("CatchAndPrintStackTrace") // and ends, whatever threads there are
    public static void main(String[] arguments) {
        PrintStream reports = System.err;
        int status = 0;
        try {
            ChildJvm.endWithParent();
            reports.println(run(arguments).line());
        } catch (Throwable e) {
            e.printStackTrace();
            status = 1;
        }
        System.exit(status);
    }

    private static Report run(String[] arguments) throws Exception {
        boolean first = arguments[0].equals(FIRST);
        Places places = new Places(Path.of(arguments[1]), Path.of(arguments[2]));
        Case what =
                new Case(
                        Way.of(arguments[3]),
                        Integer.parseInt(arguments[4]),
                        Direction.of(arguments[5]));
        Setting setting =
                Setting.of(Arrays.copyOfRange(arguments, OWN_ARGUMENTS, arguments.length));
        try (End end = Ends.open(what, setting.stripes(), places, first)) {
            Traffic traffic =
                    new Traffic(
                            end,
                            what.bytes(),
                            what.direction(),
                            setting.warmup(),
                            setting.seconds());
            return first ? traffic.first() : traffic.second();
        }
    }
}
