package dev.cairn;

import java.util.logging.Filter;
import java.util.logging.LogRecord;

/**
 * Keeps lines off the console that tests bring about by the hundred: power losses, failing disks,
 * full stores.
 */
public final class ExpectedLines implements Filter {
    @Override
    public boolean isLoggable(LogRecord each) {
        String message = String.valueOf(each.getMessage());
        return !message.contains(": rebuilt in ")
                && !message.contains(": a checkpoint failed (simulated: ")
                && !message.contains(": the store is full, ");
    }
}
