package dev.cairn.events;

/**
 * An event that began and that is recorded.
 *
 * @param <T> what is reported when it is over
 */
public interface Recording<T> {
    /** Ends the event; called once. */
    void end(T what);
}
