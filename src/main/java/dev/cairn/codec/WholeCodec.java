package dev.cairn.codec;

/** The codec of a value of fixed length that is a whole key or value. */
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
