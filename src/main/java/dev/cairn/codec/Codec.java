package dev.cairn.codec;

/**
 * Encodes values of one type as bytes and decodes them.
 *
 * <p>A value is encoded before any lock is taken, into a buffer that is reused. It is decoded from
 * a private copy of the bytes, after their checksum was compared. So a codec may take its time.
 * Many threads use a codec at once.
 *
 * <p>A codec of <b>keys</b> must give equal keys the same bytes, always and in every process,
 * because a map finds keys by their bytes.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="codec"}
 *
 * @param <T> the type of the values, which are never null
 */
public interface Codec<T> {
    /**
     * Appends the bytes of a value to the output. The codec must not use the output after the call.
     *
     * @param value the value to encode
     * @param out where the bytes are written
     */
    void encode(T value, Output out);

    /**
     * Decodes a value from all bytes between the input's position and its end.
     *
     * @param in the bytes of one value
     * @return the value
     * @throws MalformedBytes if the bytes are not what {@link #encode} wrote; a codec may throw any
     *     other exception instead
     */
    T decode(Input in);

    /**
     * Returns the object that represents the value in comparisons and caches. It must not change,
     * and must be equal to the identity of another value if and only if the two values are the
     * same. The default is the value itself. Override this method if the class of the values
     * compares by object identity, as arrays do, or is mutable.
     *
     * @param value the value
     * @return an object that represents it
     */
    default Object identity(T value) {
        return value;
    }
}
