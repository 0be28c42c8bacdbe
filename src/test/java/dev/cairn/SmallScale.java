package dev.cairn;

/**
 * While it is open, stores are created with regions and tables so small that few entries fill them.
 * Records are superseded rather than overwritten in place, since most tests want logs that grow.
 */
public final class SmallScale implements AutoCloseable {
    public static final int REGION_BYTES = 4096;

    public SmallScale() {
        System.setProperty("dev.cairn.region-bytes", Integer.toString(REGION_BYTES));
        System.setProperty("dev.cairn.least-buckets-log2", "0");
        System.setProperty("dev.cairn.in-place", "false");
    }

    /** A small scale at which records are overwritten in place where that is allowed. */
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
