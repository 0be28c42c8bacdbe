package dev.cairn;

/**
 * While open, stores are created with regions and tables so small that few entries fill them, and their
 * records are superseded rather than overwritten in place: most tests want logs that grow.
 */
public final class SmallScale implements AutoCloseable {
    public static final int REGION_BYTES = 4096;

    public SmallScale() {
        System.setProperty("dev.cairn.region-bytes", Integer.toString(REGION_BYTES));
        System.setProperty("dev.cairn.least-buckets-log2", "0");
        System.setProperty("dev.cairn.in-place", "false");
    }

    /** The same with records that are overwritten in place where that may be. */
    public static SmallScale inPlace() {
        SmallScale scale = new SmallScale();
        System.clearProperty("dev.cairn.in-place");
        return scale;
    }

    @Override
    public void close() {
        System.clearProperty("dev.cairn.region-bytes");
        System.clearProperty("dev.cairn.least-buckets-log2");
        System.clearProperty("dev.cairn.in-place");
    }
}
