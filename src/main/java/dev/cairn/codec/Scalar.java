package dev.cairn.codec;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A value without components. */
record Scalar<T>(
        Class<T> type,
        int minBytes,
        BiConsumer<T, Output> writer,
        Function<Input, T> reader,
        Function<T, Object> content)
        implements Element<T> {
    private static final int NANOS = 1_000_000_000;

    static final Scalar<Integer> INT32 =
            new Scalar<>(Integer.class, Integer.BYTES, (v, out) -> out.int32(v), Input::int32);
    static final Scalar<Long> INT64 =
            new Scalar<>(Long.class, Long.BYTES, (v, out) -> out.int64(v), Input::int64);
    static final Scalar<UUID> ID =
            new Scalar<>(UUID.class, 2 * Long.BYTES, Scalar::writeId, Scalar::readId);
    static final Scalar<Instant> MOMENT =
            new Scalar<>(
                    Instant.class,
                    Long.BYTES + Integer.BYTES,
                    Scalar::writeMoment,
                    Scalar::readMoment);
    static final Scalar<String> TEXT =
            new Scalar<>(String.class, Integer.BYTES, Scalar::writeText, Scalar::readText);
    static final Scalar<byte[]> BYTES =
            new Scalar<>(
                    byte[].class,
                    Integer.BYTES,
                    Scalar::writeBytes,
                    in -> in.bytes(in.count(1)),
                    Scalar::content);

    private static final Map<Class<?>, Scalar<?>> BY_TYPE =
            List.of(
                            INT32,
                            INT64,
                            ID,
                            MOMENT,
                            TEXT,
                            BYTES,
                            new Scalar<>(
                                    Boolean.class,
                                    1,
                                    (v, out) -> out.write(v ? 1 : 0),
                                    Scalar::readBoolean),
                            new Scalar<>(
                                    Byte.class,
                                    Byte.BYTES,
                                    (v, out) -> out.write(v),
                                    in -> (byte) in.bits(Byte.BYTES)),
                            new Scalar<>(
                                    Short.class,
                                    Short.BYTES,
                                    (v, out) -> out.bits(v, Short.BYTES),
                                    in -> (short) in.bits(Short.BYTES)),
                            new Scalar<>(
                                    Character.class,
                                    Character.BYTES,
                                    (v, out) -> out.bits(v, Character.BYTES),
                                    in -> (char) in.bits(Character.BYTES)),
                            new Scalar<>(
                                    Float.class,
                                    Float.BYTES,
                                    (v, out) -> out.int32(Float.floatToIntBits(v)),
                                    in -> Float.intBitsToFloat((int) Primitive.FLOAT.bits(in))),
                            new Scalar<>(
                                    Double.class,
                                    Double.BYTES,
                                    (v, out) -> out.int64(Double.doubleToLongBits(v)),
                                    in -> Double.longBitsToDouble(Primitive.DOUBLE.bits(in))))
                    .stream()
                    .collect(Collectors.toUnmodifiableMap(Scalar::type, scalar -> scalar));

    private Scalar(
            Class<T> type, int minBytes, BiConsumer<T, Output> writer, Function<Input, T> reader) {
        this(type, minBytes, writer, reader, value -> value);
    }

    /** The scalar of a type, or null if the type has none. */
    static @Nullable Scalar<?> of(Class<?> type) {
        return BY_TYPE.get(type);
    }

    @Override
    public String shape() {
        return type.getSimpleName();
    }

    @Override
    public void write(T value, Output out) {
        writer.accept(value, out);
    }

    @Override
    public T read(Input in) {
        return reader.apply(in);
    }

    @Override
    public boolean comparesByContent() {
        return type.isArray();
    }

    @Override
    public Object identity(T value) {
        return content.apply(value);
    }

    /** An object that equals that of another array if and only if the bytes are equal. */
    static Object content(byte[] bytes) {
        return ByteBuffer.wrap(bytes.clone()).asReadOnlyBuffer();
    }

    private static boolean readBoolean(Input in) {
        int at = in.index();
        long found = in.bits(1);
        if (found > 1) {
            throw in.back(at).malformed("0 or 1", Long.toString(found));
        }
        return found == 1;
    }

    private static void writeId(UUID id, Output out) {
        out.int64(id.getMostSignificantBits());
        out.int64(id.getLeastSignificantBits());
    }

    private static UUID readId(Input in) {
        long high = in.int64();
        return new UUID(high, in.int64());
    }

    private static void writeMoment(Instant moment, Output out) {
        out.int64(moment.getEpochSecond());
        out.int32(moment.getNano());
    }

    private static Instant readMoment(Input in) {
        int at = in.index();
        long seconds = in.int64();
        if (seconds < Instant.MIN.getEpochSecond() || seconds > Instant.MAX.getEpochSecond()) {
            throw in.back(at).malformed("seconds of an Instant", Long.toString(seconds));
        }
        at = in.index();
        int nanos = in.int32();
        if (nanos < 0 || nanos >= NANOS) {
            throw in.back(at).malformed("nanoseconds below 10^9", Integer.toString(nanos));
        }
        return Instant.ofEpochSecond(seconds, nanos);
    }

    static void writeText(String text, Output out) {
        int at = out.length();
        out.int32(0);
        out.utf8(text);
        out.setInt32(at, out.length() - at - Integer.BYTES);
    }

    static String readText(Input in) {
        return in.utf8(in.count(1));
    }

    private static void writeBytes(byte[] bytes, Output out) {
        out.int32(bytes.length);
        out.write(bytes);
    }
}
