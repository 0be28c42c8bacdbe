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

/** {@code cairn VERB FILE ...}: looks at and changes stores from a shell. */
@Command(
        name = "cairn",
        description = "Looks at and changes Cairn stores; any number of processes may at once.",
        subcommands = {
            Put.class,
            Get.class,
            Del.class,
            Has.class,
            Scan.class,
            Count.class,
            Load.class,
            Dump.class,
            Stat.class,
            Top.class,
            Watch.class,
            Check.class,
            Checkpoint.class,
            Backup.class,
            Compact.class,
            Salvage.class,
            SharedMemory.class,
            Bench.class,
            Demo.class
        },
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = Version.class,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:get, has, del: the key is not there",
            "2:the command line is wrong",
            "3:check: the store is damaged",
            "4:failed; standard error says why, and what to do",
            "141:whoever read standard output went away"
        })
public final class Main {
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
        CommandLine line =
                new CommandLine(new Main(streams))
                        .setExpandAtFiles(false)
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .registerConverter(Path.class, Main::path)
                        .setOut(new PrintWriter(streams.out(), true, UTF_8))
                        .setErr(new PrintWriter(streams.err(), true, streams.err().charset()))
                        .setParameterExceptionHandler((e, given) -> usage(e, given, streams))
                        .setExecutionExceptionHandler(
                                (e, verb, parsed) -> failed(e, verb, streams));
        try {
            return line.execute(args);
        } catch (OutOfMemoryError | InternalError e) {
            return failed(e, line, streams);
        }
    }

    public Streams streams() {
        return streams;
    }

    private static Path path(String word) {
        try {
            return Path.of(word);
        } catch (InvalidPathException e) {
            throw new TypeConversionException(
                    "'%s' names no file here (%s); LC_ALL=C.UTF-8 allows any UTF-8"
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
                        + (dashed ? "; before KEYs and VALUEs that begin with - write --" : "")
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

    /** One line, whatever bytes of a damaged file the message quotes. */
    private static void report(Streams streams, String message) {
        streams.err().println("cairn: " + message.replaceAll("\\p{Cntrl}+", " ").strip());
    }
}
