package dev.cairn;

/** While open, stores are created with regions and tables so small that few entries fill them. */
public final class SmallScale implements AutoCloseable {
    public static final int REGION_BYTES = 4096;

    public SmallScale() {
        System.setProperty("dev.cairn.region-bytes", Integer.toString(REGION_BYTES));
        System.setProperty("dev.cairn.least-buckets-log2", "0");
    }

    @Override
    public void close() {
        System.clearProperty("dev.cairn.region-bytes");
        System.clearProperty("dev.cairn.least-buckets-log2");
    }
}
