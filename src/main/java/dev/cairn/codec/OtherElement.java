package dev.cairn.codec;

/** A value of a user's codec, encoded as its length and its bytes. */
record OtherElement<T>(Codec<T> codec) implements Element<T> {
    @Override
    public String shape() {
        return "other";
    }

    @Override
    public int minBytes() {
        return Integer.BYTES;
    }

    @Override
    public void write(T value, Output out) {
        int at = out.length();
        out.int32(0);
        codec.encode(value, out);
        out.setInt32(at, out.length() - at - Integer.BYTES);
    }

    @Override
    public T read(Input in) {
        Input own = in.part(in.count(1));
        T value = codec.decode(own);
        own.requireEnd();
        return value;
    }

    @Override
    public boolean comparesByContent() {
        return true;
    }

    @Override
    public Object identity(T value) {
        return codec.identity(value);
    }
}
