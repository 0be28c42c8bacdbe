package dev.cairn.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.management.ManagementFactory;
import java.util.Arrays;

/** Turns values into bytes and back, outside of any store. */
final class Coding {
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Coding() {}

    static <T> byte[] encoded(Codec<T> codec, T value) {
        Output out = new Output();
        codec.encode(value, out);
        return out.toBytes();
    }

    static <T> T decoded(Codec<T> codec, byte[] bytes) {
        return codec.decode(new Input(bytes, 0, bytes.length));
    }

    /** Decodes bytes that lie between others. The codec must see none of the others. */
    static <T> T decodedAmidOthers(Codec<T> codec, byte[] bytes) {
        byte[] amid = new byte[bytes.length + 20];
        Arrays.fill(amid, (byte) 1);
        System.arraycopy(bytes, 0, amid, 10, bytes.length);
        return codec.decode(new Input(amid, 10, bytes.length));
    }

    /**
     * Requires that the codec takes the bytes for those of a value, or says that they are
     * malformed.
     */
    static <T> void judge(Codec<T> codec, byte[] bytes) {
        T[] value = holder();
        Throwable thrown = catchThrowable(() -> value[0] = decodedAmidOthers(codec, bytes));
        if (thrown == null) {
            assertThat(encoded(codec, value[0])).isEqualTo(bytes);
        } else {
            assertThat(thrown).isInstanceOf(MalformedBytes.class);
        }
    }

    @SuppressWarnings("unchecked")
    private static <T> T[] holder() {
        return (T[]) new Object[1];
    }

    /** The bytes that this thread allocates while the action runs. */
    static long allocatedBytes(Runnable action) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        action.run();
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }
}
