package dev.cairn.os;

/**
 * The pages in which a file should lie in memory. The kernel writes a page back as a whole, and
 * while it does so, it protects the whole page from stores.
 */
public enum Pages {
    /**
     * For stores that lie close together, as those of a log do: there are few faults, and few pages
     * to protect.
     */
    LARGE(2 << 20),
    /** For a force after every few bytes, which should write no more than these. */
    SMALL(4096);

    private final int bytes;

    Pages(int bytes) {
        this.bytes = bytes;
    }

    /**
     * The size of a page. A page begins at each multiple of it, if the file has all of its bytes.
     */
    public int bytes() {
        return bytes;
    }
}
