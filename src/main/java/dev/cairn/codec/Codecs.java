package dev.cairn.codec;

import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

/**
 * The built-in codecs. Each of them can be used for keys: equal values have the same bytes. A codec
 * decodes only bytes that it can have written, and throws {@link MalformedBytes} for all others.
 * All codecs are thread-safe.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="map"}
 */
public final class Codecs {
    private static final Codec<byte[]> BYTES =
            new Codec<>() {
                @Override
                public void encode(byte[] value, Output out) {
                    out.write(value);
                }

                @Override
                public byte[] decode(Input in) {
                    return in.readAllBytes();
                }

                @Override
                public Object identity(byte[] value) {
                    return Scalar.content(value);
                }
            };

    private static final Codec<String> UTF8 =
            new Codec<>() {
                @Override
                public void encode(String value, Output out) {
                    out.utf8(value);
                }

                @Override
                public String decode(Input in) {
                    return in.utf8(in.remaining());
                }
            };

    private static final Codec<Integer> INT32 = new WholeCodec<>(Scalar.INT32);
    private static final Codec<Long> INT64 = new WholeCodec<>(Scalar.INT64);
    private static final Codec<UUID> ID = new WholeCodec<>(Scalar.ID);
    private static final Codec<Instant> MOMENT = new WholeCodec<>(Scalar.MOMENT);

    private Codecs() {}

    /** {@return a codec of byte arrays, which are copied as they are} */
    public static Codec<byte[]> bytes() {
        return BYTES;
    }

    /**
     * {@return a codec of strings as UTF-8} It refuses a string with an unpaired surrogate with an
     * {@link IllegalArgumentException}.
     */
    public static Codec<String> utf8() {
        return UTF8;
    }

    /** {@return a codec of integers as four bytes} */
    public static Codec<Integer> int32() {
        return INT32;
    }

    /** {@return a codec of longs as eight bytes} */
    public static Codec<Long> int64() {
        return INT64;
    }

    /** {@return a codec of UUIDs as their high and their low eight bytes} */
    public static Codec<UUID> uuid() {
        return ID;
    }

    /**
     * {@return a codec of instants as the seconds since 1970 in eight bytes and the nanoseconds in
     * four}
     */
    public static Codec<Instant> instant() {
        return MOMENT;
    }

    /**
     * Creates a codec of records. A component may be primitive or boxed, a {@link String}, {@code
     * byte[]}, {@link UUID}, {@link Instant}, an enum, another such record, or a {@link
     * java.util.List} of these types, primitive ones excepted.
     *
     * <p>References may be null, but elements of a list may not. Decoded lists are unmodifiable. A
     * record type may get more components at its end: if a record was written before, these
     * components are null, zero or false. Any other change of the names, types or order of the
     * components makes the records that were written before {@link MalformedBytes}.
     *
     * <p>The class must be public in an exported package, or its package must be open to {@code
     * dev.cairn}; outside of named modules it always is. To create a codec takes a while, so keep
     * it.
     *
     * @param <R> the type of the records
     * @param type the class of the records
     * @return the codec
     * @throws IllegalArgumentException if there is no codec for a component, or the class is not
     *     accessible
     */
    public static <R extends Record> Codec<R> javaRecord(Class<R> type) {
        return javaRecord(type, Map.of());
    }

    /**
     * Creates a codec of records as {@link #javaRecord(Class)} does, with codecs for components of
     * further types. These codecs also replace the built-in ones. A codec is looked up by the
     * declared class of the component or of the list's elements.
     *
     * @param <R> the type of the records
     * @param type the class of the records
     * @param others codecs by the class that they encode
     * @return the codec
     * @throws IllegalArgumentException if there is no codec for a component, or the class is not
     *     accessible
     */
    public static <R extends Record> Codec<R> javaRecord(
            Class<R> type, Map<Class<?>, Codec<?>> others) {
        return new RecordCodec<>(type, new RecordTypes(null, others).of(type));
    }

    /**
     * Creates a codec as {@link #javaRecord(Class, Map)} does, for record classes that the lookup
     * can access.
     *
     * @param <R> the type of the records
     * @param type the class of the records
     * @param others codecs by the class that they encode
     * @param lookup {@code MethodHandles.lookup()} of a class in the module of the record classes
     * @return the codec
     * @throws IllegalArgumentException if there is no codec for a component, or the class is not
     *     accessible
     */
    public static <R extends Record> Codec<R> javaRecord(
            Class<R> type, Map<Class<?>, Codec<?>> others, MethodHandles.Lookup lookup) {
        return new RecordCodec<>(type, new RecordTypes(lookup, others).of(type));
    }
}
