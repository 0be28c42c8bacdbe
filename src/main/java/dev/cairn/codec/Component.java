package dev.cairn.codec;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** A component of a record type. */
sealed interface Component {
    /**
     * The description of the component in the text from which the record's fingerprint is computed.
     */
    String shape();

    /**
     * Writes the component and returns true. If it is null, zero or false, writes nothing and
     * returns false.
     */
    boolean write(Record record, Output out) throws Throwable;

    /**
     * A handle that takes an {@link Input} and the position of the record's {@link Header}, and
     * returns the component.
     */
    MethodHandle reader(int index);

    /** See {@link Element#comparesByContent}. */
    default boolean comparesByContent() {
        return false;
    }

    /** See {@link Codec#identity}. */
    @Nullable Object identity(Record record) throws Throwable;

    /**
     * A component of a primitive type.
     *
     * @param getter takes a {@link Record} and returns a {@code long}
     */
    record OfPrimitive(String name, Primitive type, MethodHandle getter) implements Component {
        private static final MethodHandle READ =
                method(
                        OfPrimitive.class,
                        long.class,
                        Primitive.class,
                        int.class,
                        Input.class,
                        int.class);

        @Override
        public String shape() {
            return name + ":" + type.type.getName() + ";";
        }

        @Override
        public boolean write(Record record, Output out) throws Throwable {
            long bits = (long) getter.invokeExact(record);
            if (bits == 0) {
                return false;
            }
            out.bits(bits, type.bytes);
            return true;
        }

        @Override
        public MethodHandle reader(int index) {
            return type.returningValue(MethodHandles.insertArguments(READ, 0, type, index));
        }

        static long read(Primitive type, int index, Input in, int header) {
            if (!Header.has(in, header, index)) {
                return 0;
            }
            int at = in.index();
            long bits = type.bits(in);
            if (bits == 0) {
                throw in.back(at).malformed("a component that is not 0", "0");
            }
            return bits;
        }

        @Override
        public Object identity(Record record) throws Throwable {
            return (long) getter.invokeExact(record);
        }
    }

    /**
     * A component that may be null.
     *
     * @param getter takes a {@link Record} and returns an {@link Object}
     */
    record OfReference(String name, Class<?> type, Element<Object> element, MethodHandle getter)
            implements Component {
        private static final MethodHandle READ =
                method(
                        OfReference.class,
                        Object.class,
                        Element.class,
                        int.class,
                        Input.class,
                        int.class);

        @Override
        public String shape() {
            return name + ":" + element.shape() + ";";
        }

        @Override
        public boolean write(Record record, Output out) throws Throwable {
            Object value = (@Nullable Object) getter.invokeExact(record);
            if (value == null) {
                return false;
            }
            element.write(value, out);
            return true;
        }

        @Override
        public MethodHandle reader(int index) {
            return MethodHandles.insertArguments(READ, 0, element, index)
                    .asType(MethodType.methodType(type, Input.class, int.class));
        }

        static @Nullable Object read(Element<Object> element, int index, Input in, int header) {
            return Header.has(in, header, index) ? element.read(in) : null;
        }

        @Override
        public boolean comparesByContent() {
            return element.comparesByContent();
        }

        @Override
        public @Nullable Object identity(Record record) throws Throwable {
            Object value = (@Nullable Object) getter.invokeExact(record);
            return value == null ? null : element.identity(value);
        }
    }

    private static MethodHandle method(Class<?> type, Class<?> returns, Class<?>... takes) {
        try {
            return MethodHandles.lookup()
                    .findStatic(type, "read", MethodType.methodType(returns, takes));
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }
}
