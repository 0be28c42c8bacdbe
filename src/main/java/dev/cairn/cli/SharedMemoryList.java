package dev.cairn.cli;

import dev.cairn.Cairn;
import dev.cairn.Durability;
import dev.cairn.SharedMemoryStore;
import dev.cairn.units.Units;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

@Command(
        name = "list",
        description =
                "Lists the stores in the system's shared memory, the processes that"
                        + " have them open, and the files that dead processes left. It opens no"
                        + " store.")
final class SharedMemoryList extends Verb {
    private static final String LINE = "%-24s %-10s %14s %11s %-10s %-16s %-10s %s%n";
    private static final String HEADING =
            LINE.formatted(
                    "name",
                    "state",
                    "entries",
                    "size",
                    "durability",
                    "processes",
                    "owner",
                    "last change");
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss", Locale.ROOT)
                    .withZone(ZoneId.systemDefault());

    @Option(
            names = "--json",
            description = "Prints one JSON object a line for each store, with sizes in bytes.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        List<SharedMemoryStore> stores = Cairn.sharedMemoryStores();
        if (json) {
            for (SharedMemoryStore store : stores) {
                streams().print(new JsonReport().putAll(store) + "\n");
            }
        } else if (!stores.isEmpty()) {
            streams()
                    .print(
                            stores.stream()
                                    .map(SharedMemoryList::text)
                                    .collect(Collectors.joining("", HEADING, "")));
        }
        return ExitCode.OK;
    }

    private static String text(SharedMemoryStore store) {
        StringBuilder text = new StringBuilder();
        text.append(
                LINE.formatted(
                        printable(store.name()),
                        store.state().name().toLowerCase(Locale.ROOT),
                        store.entries().isPresent()
                                ? Units.count(store.entries().getAsLong())
                                : "-",
                        Units.bytes(store.bytes()),
                        store.durability().map(Durability::name).orElse("-"),
                        processes(store),
                        printable(store.owner().orElse("-")),
                        TIME.format(store.changed())));
        store.problem()
                .ifPresent(problem -> text.append("  ").append(printable(problem)).append('\n'));
        store.leftovers()
                .forEach(file -> text.append("  leftover: ").append(printable(file)).append('\n'));
        return text.toString();
    }

    private static String processes(SharedMemoryStore store) {
        return switch (store.state()) {
            case USED -> store.processes().isEmpty() ? "not visible" : joined(store.processes());
            case UNUSED, LEFTOVER -> "none";
            case UNREADABLE -> store.processes().isEmpty() ? "-" : joined(store.processes());
        };
    }

    private static String joined(List<Long> processes) {
        return processes.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    /**
     * Makes a name printable. Anybody may choose names, so none may end a line or control the
     * terminal.
     */
    static String printable(String text) {
        return text.codePoints()
                .mapToObj(each ->
                        Character.isISOControl(each)
                                ? "\\x%02x".formatted(each)
                                : Character.toString(each))
                .collect(Collectors.joining());
    }
}
