package dev.cairn.events;

import dev.cairn.CairnException;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;

/**
 * The lines of the log {@value #NAME}: the store's file, what happened, and what to do. No thread
 * logs while it holds a stripe's lock (RULE 13): the program decides where a line goes, and that
 * may take time.
 */
public final class StoreLog {
    /** The name of the logger. */
    public static final String NAME = "dev.cairn";

    private static final Logger LOG = System.getLogger(NAME);

    private final Path store;

    public StoreLog(Path store) {
        this.store = store;
    }

    /** Logs something that is as it should be, and useful to know. */
    public void info(String what) {
        LOG.log(Level.INFO, line(what));
    }

    /** Logs something that needs attention. */
    public void warn(String what) {
        LOG.log(Level.WARNING, line(what));
    }

    /** Logs as {@link #warn(String)} does, with an exception. */
    public void warn(String what, Throwable why) {
        LOG.log(Level.WARNING, line(what), why);
    }

    private String line(String what) {
        return store + ": " + what;
    }

    /** The message of an exception without the file, which begins each line anyway. */
    public String said(CairnException e) {
        String message = e.getMessage();
        String file = store + ": ";
        return message.startsWith(file) ? message.substring(file.length()) : message;
    }
}
