package dev.cairn.codec;

/**
 * Turns values of one type into bytes and back.
 *
 * <p>A value is encoded before any lock is taken, into a buffer that is used again, and decoded from
 * a private copy of bytes whose checksum was right; so a codec may take its time. It is used by many
 * threads at once.
 *
 * <p>A codec of <b>keys</b> gives equal keys the same bytes, always and in every process; a map finds
 * keys by their bytes.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="codec"}
 *
 * @param <T> what is encoded; never null
 */
public interface Codec<T> {
    /** Appends the bytes of a value; the output is not to be used after the call. */
    void encode(T value, Output out);

    /**
     * The value of all the bytes from the input's position to its end.
     *
     * @throws MalformedBytes or any other exception if they are not what {@link #encode} wrote
     */
    T decode(Input in);

    /**
     * What stands for the value where values are compared and cached: an object that nobody changes,
     * equal to another's iff the values are the same. The value itself, unless its class compares by
     * identity, as arrays do, or is mutable.
     */
    default Object identity(T value) {
        return value;
    }
}
