package dev.cairn.codec;

import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

/**
 * The built-in codecs. Each is fit for keys: equal values have the same bytes, and it reads nothing but
 * what it writes; any other bytes are {@link MalformedBytes}.
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

    /** The bytes as they are, copied. */
    public static Codec<byte[]> bytes() {
        return BYTES;
    }

    /** UTF-8; strings with unpaired surrogates are refused with an {@link IllegalArgumentException}. */
    public static Codec<String> utf8() {
        return UTF8;
    }

    /** Four bytes. */
    public static Codec<Integer> int32() {
        return INT32;
    }

    /** Eight bytes. */
    public static Codec<Long> int64() {
        return INT64;
    }

    /** Its high and its low eight bytes. */
    public static Codec<UUID> uuid() {
        return ID;
    }

    /** Seconds since 1970 in eight bytes, nanoseconds in four. */
    public static Codec<Instant> instant() {
        return MOMENT;
    }

    /**
     * Records whose components are primitive or boxed, {@link String}, {@code byte[]}, {@link UUID},
     * {@link Instant}, an enum, such a record, or a {@link java.util.List} of what is not primitive.
     *
     * <p>References may be null, but not in a list. Lists are read as unmodifiable ones. A record type
     * may get further components at its end: for these, records that were written before have null,
     * zero or false. Any other change of the names, types or order of components makes records that
     * were written before {@link MalformedBytes}.
     *
     * <p>The class must be public in an exported package, or its package be open to
     * {@code dev.cairn}, as it always is outside of named modules. Making a codec takes a while: keep
     * it.
     *
     * @throws IllegalArgumentException if there is no codec for a component, or the class cannot be
     *     reached
     */
    public static <R extends Record> Codec<R> javaRecord(Class<R> type) {
        return javaRecord(type, Map.of());
    }

    /**
     * As {@link #javaRecord(Class)}, with codecs for components of further types, or other ones for
     * types that there is a codec for. A type is looked up by the class that the component, or the list,
     * is declared with.
     */
    public static <R extends Record> Codec<R> javaRecord(
            Class<R> type, Map<Class<?>, Codec<?>> others) {
        return new RecordCodec<>(type, new RecordTypes(null, others).of(type));
    }

    /**
     * As {@link #javaRecord(Class, Map)}, for record classes that the lookup can reach.
     *
     * @param lookup {@code MethodHandles.lookup()} of a class in the module of the record classes
     */
    public static <R extends Record> Codec<R> javaRecord(
            Class<R> type, Map<Class<?>, Codec<?>> others, MethodHandles.Lookup lookup) {
        return new RecordCodec<>(type, new RecordTypes(lookup, others).of(type));
    }
}
