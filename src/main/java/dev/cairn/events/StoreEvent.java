package dev.cairn.events;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.StackTrace;

import org.jspecify.annotations.Nullable;

/**
 * What the events have in common. They always come from the same few places, so a stack trace would
 * add nothing.
 */
@Category("Cairn")
@StackTrace(false)
abstract class StoreEvent<T> extends Event implements Recording<T> {
    @Label("File")
    @Description("Absolute path of the store's data file")
    @Nullable String file;

    final StoreEvent<T> begun() {
        begin();
        return this;
    }

    @Override
    public final void end(T what) {
        end();
        if (shouldCommit()) {
            describe(what);
            commit();
        }
    }

    /** Sets the fields of the event. */
    abstract void describe(T what);
}
