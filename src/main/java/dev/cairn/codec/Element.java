package dev.cairn.codec;

/** How a value that is not null lies within a record: so that it says itself where it ends. */
interface Element<T> {
    /** Of the type, in the text that a record's fingerprint is taken of. */
    String shape();

    /** No value takes fewer; not 0. */
    int minBytes();

    void write(T value, Output out);

    T read(Input in);

    /** Whether {@link #identity} is another object than the value. */
    default boolean comparesByContent() {
        return false;
    }

    /** See {@link Codec#identity}. */
    default Object identity(T value) {
        return value;
    }
}
