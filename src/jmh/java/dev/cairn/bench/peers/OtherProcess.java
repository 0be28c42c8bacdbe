package dev.cairn.bench.peers;

import dev.cairn.bench.processes.Usage;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.file.Path;
import java.util.List;

/**
 * A process beside the worker's, for an operation of several processes. It opens the same store,
 * and is told by lines which operation to do and for how long.
 */
final class OtherProcess implements AutoCloseable {
    /** What it did in a window, and how many processors its compiler used. */
    record Answer(double rate, double compiling) {}

    private final Process process;
    private final Writer orders;
    private final BufferedReader answers;

    OtherProcess(Setting setting, String entrant, int round, int number, Path directory)
            throws IOException {
        String classPath = System.getProperty("java.class.path");
        process =
                Jvm.start(
                        OtherProcess.class, classPath, setting, entrant, round, number, directory);
        orders = process.outputWriter(Jvm.CHARSET);
        answers = process.inputReader(Jvm.CHARSET);
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, Jvm.CHARSET));
        Setting setting = Setting.of(Jvm.settingOf(arguments));
        int round = Integer.parseInt(arguments[1]);
        List<Keys> streams =
                List.of(new Keys(setting.entries(), round, Integer.parseInt(arguments[3]), 0));
        try (Peer peer = Entrant.of(arguments[0]).open(Path.of(arguments[2]), setting)) {
            for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                String[] words = order.split(" ", 2);
                double seconds = Double.parseDouble(words[1]);
                Usage before = Usage.now(List.of());
                Window window = Window.of(peer, setting, Operation.of(words[0]), streams, seconds);
                double compiling = Usage.now(List.of()).compilingSince(before);
                answers.println(window.rate() + " " + compiling);
            }
        }
        System.exit(0);
    }

    void begin(Operation operation, double seconds) throws IOException {
        orders.write(operation.name() + " " + seconds + "\n");
        orders.flush();
    }

    Answer answer() throws IOException {
        String line = answers.readLine();
        if (line == null) {
            throw new IllegalStateException("another process ended");
        }
        String[] words = line.split(" ", 2);
        return new Answer(Double.parseDouble(words[0]), Double.parseDouble(words[1]));
    }

    ProcessHandle handle() {
        return process.toHandle();
    }

    /** Ends the orders. The process sees that, closes the store and ends. */
    @Override
    public void close() throws IOException {
        orders.close();
        process.onExit().join();
    }
}
