package dev.cairn.codec;

/**
 * The encoding of a value that is not null within a record. The encoding itself tells where the
 * value ends.
 */
interface Element<T> {
    /** The description of the type in the text from which a record's fingerprint is computed. */
    String shape();

    /** The least number of bytes that a value takes; not 0. */
    int minBytes();

    void write(T value, Output out);

    T read(Input in);

    /** Whether {@link #identity} is another object than the value itself. */
    default boolean comparesByContent() {
        return false;
    }

    /** See {@link Codec#identity}. */
    default Object identity(T value) {
        return value;
    }
}
