package dev.cairn.codec;

import java.util.ArrayList;
import java.util.List;

/** A list without nulls, encoded as its size and its elements one after the other. */
record ListElement<T>(Element<T> of) implements Element<List<T>> {
    /** The greatest capacity that is allocated only because the bytes claim it. */
    private static final int TRUSTED_SIZE = 1024;

    @Override
    public String shape() {
        return "List<" + of.shape() + ">";
    }

    @Override
    public int minBytes() {
        return Integer.BYTES;
    }

    @Override
    public void write(List<T> list, Output out) {
        int at = out.length();
        out.int32(0);
        int size = 0;
        for (T value : list) {
            if (value == null) {
                throw new IllegalArgumentException("a list has a null element at index " + size);
            }
            of.write(value, out);
            size++;
        }
        out.setInt32(at, size);
    }

    @Override
    public List<T> read(Input in) {
        int size = in.count(of.minBytes());
        List<T> list = new ArrayList<>(Math.min(size, TRUSTED_SIZE));
        for (int i = 0; i < size; i++) {
            list.add(of.read(in));
        }
        return List.copyOf(list);
    }

    /** A list may be mutable. */
    @Override
    public boolean comparesByContent() {
        return true;
    }

    @Override
    public Object identity(List<T> list) {
        return list.stream().map(of::identity).toList();
    }
}
