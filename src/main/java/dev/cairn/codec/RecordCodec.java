package dev.cairn.codec;

/** The codec of a record that is a whole key or value. */
record RecordCodec<R extends Record>(Class<R> type, RecordElement element) implements Codec<R> {
    /** The first byte of the encoding. */
    static final int FORMAT = 1;

    @Override
    public void encode(R value, Output out) {
        out.write(FORMAT);
        element.write(value, out);
    }

    @Override
    public R decode(Input in) {
        int at = in.index();
        int format = (int) in.bits(1);
        if (format != FORMAT) {
            throw in.back(at)
                    .malformed("format %d of a record".formatted(FORMAT), Integer.toString(format));
        }
        Record record = element.read(in);
        in.requireEnd();
        return type.cast(record);
    }

    @Override
    public Object identity(R value) {
        return element.identity(value);
    }
}
