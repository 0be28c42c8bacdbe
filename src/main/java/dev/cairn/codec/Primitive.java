package dev.cairn.codec;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;

/**
 * A primitive type, represented by the bits of a {@code long}, so that one piece of code writes and
 * reads all primitive types without boxing.
 */
enum Primitive {
    /** A boolean takes no bytes: its presence alone says that it is true. */
    BOOLEAN(boolean.class, 0),
    BYTE(byte.class, Byte.BYTES),
    SHORT(short.class, Short.BYTES),
    CHAR(char.class, Character.BYTES),
    INT(int.class, Integer.BYTES),
    LONG(long.class, Long.BYTES),
    FLOAT(
            float.class,
            Float.BYTES,
            method("toBits", float.class, long.class),
            method("toFloat", long.class, float.class)),
    DOUBLE(
            double.class,
            Double.BYTES,
            method("toBits", double.class, long.class),
            method("toDouble", long.class, double.class));

    final Class<?> type;

    /** The number of bytes that are written, the lowest ones of the bits. */
    final int bytes;

    private final MethodHandle toBits;
    private final MethodHandle fromBits;

    Primitive(Class<?> type, int bytes) {
        this(
                type,
                bytes,
                MethodHandles.explicitCastArguments(
                        MethodHandles.identity(long.class),
                        MethodType.methodType(long.class, type)),
                MethodHandles.explicitCastArguments(
                        MethodHandles.identity(long.class),
                        MethodType.methodType(type, long.class)));
    }

    Primitive(Class<?> type, int bytes, MethodHandle toBits, MethodHandle fromBits) {
        this.type = type;
        this.bytes = bytes;
        this.toBits = toBits;
        this.fromBits = fromBits;
    }

    static Primitive of(Class<?> type) {
        return Arrays.stream(values())
                .filter(primitive -> primitive.type == type)
                .findFirst()
                .orElseThrow();
    }

    /** Changes a getter so that it returns the bits of the value. */
    MethodHandle returningBits(MethodHandle getter) {
        return MethodHandles.filterReturnValue(getter, toBits);
    }

    /** Changes a handle that returns bits so that it returns their value. */
    MethodHandle returningValue(MethodHandle reader) {
        return MethodHandles.filterReturnValue(reader, fromBits);
    }

    /** Reads the next bits, in the form that {@link #returningBits} gives them. */
    long bits(Input in) {
        if (this == BOOLEAN) {
            return 1;
        }
        int at = in.index();
        long bits = in.bits(bytes);
        if (canonical(bits) != bits) {
            throw in.back(at).malformed("the one NaN", "0x%X".formatted(bits));
        }
        return bits;
    }

    /** The bits that are written for the value with these bits; all NaNs are written alike. */
    private long canonical(long bits) {
        return switch (this) {
            case FLOAT -> toBits(toFloat(bits));
            case DOUBLE -> toBits(toDouble(bits));
            default -> bits;
        };
    }

    private static long toBits(float value) {
        return Float.floatToIntBits(value) & 0xFFFF_FFFFL;
    }

    private static long toBits(double value) {
        return Double.doubleToLongBits(value);
    }

    private static float toFloat(long bits) {
        return Float.intBitsToFloat((int) bits);
    }

    private static double toDouble(long bits) {
        return Double.longBitsToDouble(bits);
    }

    private static MethodHandle method(String name, Class<?> from, Class<?> to) {
        try {
            return MethodHandles.lookup()
                    .findStatic(Primitive.class, name, MethodType.methodType(to, from));
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }
}
