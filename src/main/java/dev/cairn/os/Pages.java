package dev.cairn.os;

/**
 * In which pages a file is to lie in memory. The kernel writes a page back as a whole, and protects
 * it from stores as a whole when it does.
 */
public enum Pages {
    /** For stores that lie close together, as those of a log do: few faults, few pages to protect. */
    LARGE(2 << 20),
    /** For a force after each few bytes, which is to write no more than them. */
    SMALL(4096);

    private final int bytes;

    Pages(int bytes) {
        this.bytes = bytes;
    }

    /** A page of this size begins at each multiple of it, if the file has all of its bytes. */
    public int bytes() {
        return bytes;
    }
}
