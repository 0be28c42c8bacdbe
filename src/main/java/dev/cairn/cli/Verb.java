package dev.cairn.cli;

import picocli.CommandLine.ParentCommand;

import java.util.concurrent.Callable;

/** What every verb has: the streams of its command line. Returns the exit code. */
@SuppressWarnings("NullAway.Init") // picocli sets the field
public abstract class Verb implements Callable<Integer> {
    @ParentCommand private Main main;

    protected final Streams streams() {
        return main.streams();
    }

    @Override
    public abstract Integer call() throws Exception;
}
