package dev.cairn.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/** What every verb has: the streams of its command line. A verb returns its exit code. */
@SuppressWarnings("NullAway.Init") // picocli sets the field
public abstract class Verb implements Callable<Integer> {
    @Spec private CommandSpec own;

    protected final Streams streams() {
        return ((Main) own.root().userObject()).streams();
    }

    @Override
    public abstract Integer call() throws Exception;
}
