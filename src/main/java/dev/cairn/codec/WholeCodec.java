package dev.cairn.codec;

/** Of a value of fixed length that is a key or a value by itself. */
record WholeCodec<T>(Scalar<T> scalar) implements Codec<T> {
    @Override
    public void encode(T value, Output out) {
        scalar.write(value, out);
    }

    @Override
    public T decode(Input in) {
        T value = scalar.read(in);
        in.requireEnd();
        return value;
    }
}
