package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.cli.bench.Bench;
import dev.cairn.cli.demo.Demo;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** {@code cairn VERB FILE ...}: looks at and changes stores from a shell. */
@Command(
        name = "cairn",
        description =
                "Reads and changes Cairn stores. Any number of processes may do so at"
                        + " the same time.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = Version.class,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:success",
            "1:get, has, del: there is no such key",
            "2:the command line is wrong",
            "3:check: the store is damaged",
            "4:the verb failed; standard error says why and what to do",
            "141:the reader of standard output closed it"
        })
public final class Main {
    /** In the order of the help; each has the name that stands in its annotation. */
    private static final List<Map.Entry<String, Class<?>>> VERBS =
            List.of(
                    Map.entry("put", Put.class),
                    Map.entry("get", Get.class),
                    Map.entry("del", Del.class),
                    Map.entry("has", Has.class),
                    Map.entry("scan", Scan.class),
                    Map.entry("count", Count.class),
                    Map.entry("load", Load.class),
                    Map.entry("dump", Dump.class),
                    Map.entry("stat", Stat.class),
                    Map.entry("top", Top.class),
                    Map.entry("watch", Watch.class),
                    Map.entry("check", Check.class),
                    Map.entry("checkpoint", Checkpoint.class),
                    Map.entry("backup", Backup.class),
                    Map.entry("compact", Compact.class),
                    Map.entry("salvage", Salvage.class),
                    Map.entry("shm", SharedMemory.class),
                    Map.entry("bench", Bench.class),
                    Map.entry("demo", Demo.class));

    private final Streams streams;

    private Main(Streams streams) {
        this.streams = streams;
    }

    public static void main(String[] args) {
        Streams streams = Streams.ofProcess();
        try {
            System.exit(run(ProcessArguments.exact(args), streams));
        } catch (IllegalArgumentException e) {
            report(streams, e.getMessage() + "; see 'cairn --help'");
            System.exit(CommandLine.ExitCode.USAGE);
        }
    }

    /** Runs one command line and returns its exit code. */
    public static int run(String[] args, Streams streams) {
        CommandLine line = new CommandLine(new Main(streams));
        verbs(args).forEach(verb -> line.addSubcommand(verb.getKey(), verb.getValue()));
        line.setExpandAtFiles(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(Path.class, Main::path)
                .setOut(new PrintWriter(streams.out(), true, UTF_8))
                .setErr(new PrintWriter(streams.err(), true, streams.err().charset()))
                .setParameterExceptionHandler((e, given) -> usage(e, given, streams))
                .setExecutionExceptionHandler((e, verb, parsed) -> failed(e, verb, streams));
        try {
            return line.execute(args);
        } catch (OutOfMemoryError | InternalError e) {
            return failed(e, line, streams);
        }
    }

    /** To learn a verb costs more than most verbs take: if one is named, it is the only one. */
    private static List<Map.Entry<String, Class<?>>> verbs(String[] args) {
        List<Map.Entry<String, Class<?>>> named =
                VERBS.stream()
                        .filter(verb -> args.length > 0 && args[0].equals(verb.getKey()))
                        .toList();
        return named.isEmpty() ? VERBS : named;
    }

    public Streams streams() {
        return streams;
    }

    private static Path path(String word) {
        try {
            return Path.of(word);
        } catch (InvalidPathException e) {
            throw new TypeConversionException(
                    ("'%s' cannot be a file name in this locale (%s); set LC_ALL=C.UTF-8"
                                    + " to allow any UTF-8")
                            .formatted(word, e.getReason()));
        }
    }

    private static int usage(ParameterException e, String[] given, Streams streams) {
        CommandLine verb = e.getCommandLine();
        List<String> words = List.of(given);
        boolean dashed =
                (e instanceof MissingParameterException || e instanceof UnmatchedArgumentException)
                        && !words.contains("--")
                        && words.stream().anyMatch(word -> word.matches("-[^-].*"));
        report(
                streams,
                e.getMessage()
                        + (dashed ? "; write -- before a KEY or VALUE that begins with -" : "")
                        + ("; see '" + verb.getCommandSpec().qualifiedName() + " --help'"));
        return CommandLine.ExitCode.USAGE;
    }

    private static int failed(Throwable e, CommandLine verb, Streams streams) {
        if (Failure.isBrokenPipe(e)) {
            return ExitCode.BROKEN_PIPE;
        }
        if ("1".equals(System.getenv("CAIRN_DEBUG"))) {
            e.printStackTrace(streams.err());
        }
        String message = Failure.describe(e);
        boolean unnamed =
                verb.getCommand() instanceof StoreVerb about
                        && !Failure.namesFile(e)
                        && !message.startsWith(about.file + ":")
                        && !message.contains(about.file.toAbsolutePath().toString());
        report(streams, (unnamed ? verb.<StoreVerb>getCommand().file + ": " : "") + message);
        return ExitCode.FAILED;
    }

    /** Prints one line, whatever bytes of a damaged file the message quotes. */
    private static void report(Streams streams, String message) {
        streams.err().println("cairn: " + message.replaceAll("\\p{Cntrl}+", " ").strip());
    }
}
