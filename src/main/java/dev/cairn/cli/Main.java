package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.cli.demo.Demo;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

import java.io.PrintWriter;

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
            "4:failed; standard error says why, and what to do"
        })
public final class Main {
    private final Streams streams;

    private Main(Streams streams) {
        this.streams = streams;
    }

    public static void main(String[] args) {
        System.exit(run(args, Streams.ofProcess()));
    }

    /** Runs one command line and returns its exit code. */
    public static int run(String[] args, Streams streams) {
        CommandLine line =
                new CommandLine(new Main(streams))
                        .setExpandAtFiles(false)
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .setOut(new PrintWriter(streams.out(), true, UTF_8))
                        .setErr(new PrintWriter(streams.err(), true, streams.err().charset()))
                        .setParameterExceptionHandler((e, given) -> usage(e, streams))
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

    private static int usage(ParameterException e, Streams streams) {
        CommandLine verb = e.getCommandLine();
        report(
                streams,
                e.getMessage() + "; see '" + verb.getCommandSpec().qualifiedName() + " --help'");
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
                        && !message.contains(String.valueOf(about.file.getFileName()));
        report(streams, (unnamed ? verb.<StoreVerb>getCommand().file + ": " : "") + message);
        return ExitCode.FAILED;
    }

    /** One line, whatever bytes of a damaged file the message quotes. */
    private static void report(Streams streams, String message) {
        streams.err().println("cairn: " + message.replaceAll("\\p{Cntrl}+", " ").strip());
    }
}
