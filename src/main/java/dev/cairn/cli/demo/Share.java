package dev.cairn.cli.demo;

/**
 * The entries of one writer: every {@code of}th, from the {@code number}th on, in their order. A
 * position counts within the share, an index within all entries.
 */
record Share(int number, int of, int entries) {
    int size() {
        return (entries - number + of - 1) / of;
    }

    int index(int position) {
        return number + position * of;
    }

    static int numberOf(int index, int of) {
        return index % of;
    }

    static int positionOf(int index, int of) {
        return index / of;
    }
}
