package dev.cairn;

import dev.cairn.events.StoreLog;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** While it is open, it hears what Cairn logs and keeps that off the console. */
public final class Heard extends Handler implements AutoCloseable {
    private final Logger logger = Logger.getLogger(StoreLog.NAME);
    private final Level before = logger.getLevel();
    private final boolean parents = logger.getUseParentHandlers();
    private final ConcurrentLinkedQueue<LogRecord> records = new ConcurrentLinkedQueue<>();

    public Heard() {
        logger.setLevel(Level.INFO);
        logger.setUseParentHandlers(false);
        logger.addHandler(this);
    }

    @Override
    public void publish(LogRecord each) {
        records.add(each);
    }

    /** The lines so far, each with its level before it. */
    public List<String> lines() {
        return records.stream().map(each -> each.getLevel() + " " + each.getMessage()).toList();
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
        logger.setUseParentHandlers(parents);
        logger.setLevel(before);
    }
}
