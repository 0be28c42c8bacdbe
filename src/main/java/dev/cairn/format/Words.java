package dev.cairn.format;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Access to words of mapped and heap memory. Each method is named by its memory order. Protocol
 * words are 8-byte aligned, and only the ordered methods access them (RULE 12). The plain methods
 * are for content that an ordered word publishes.
 */
public final class Words {
    private static final VarHandle LONG =
            ValueLayout.JAVA_LONG.withOrder(LITTLE_ENDIAN).varHandle();
    private static final ValueLayout.OfLong LONG_UNALIGNED =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT_UNALIGNED =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final VarHandle HEAP_LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, LITTLE_ENDIAN);
    private static final VarHandle HEAP_INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, LITTLE_ENDIAN);

    /** A sum that words in memory are unlikely to have. */
    private static final long UNLIKELY = 0x5DEECE66D_1234L;

    private Words() {}

    public static long acquire(MemorySegment memory, long at) {
        return (long) LONG.getAcquire(memory, at);
    }

    public static void release(MemorySegment memory, long at, long value) {
        LONG.setRelease(memory, at, value);
    }

    public static boolean cas(MemorySegment memory, long at, long expected, long value) {
        requirePage(memory, at);
        return LONG.compareAndSet(memory, at, expected, value);
    }

    /** Stores a value and returns the previous one; a full fence. */
    public static long exchange(MemorySegment memory, long at, long value) {
        requirePage(memory, at);
        return (long) LONG.getAndSet(memory, at, value);
    }

    /** Adds to a word and returns the previous value. */
    public static long add(MemorySegment memory, long at, long delta) {
        requirePage(memory, at);
        return (long) LONG.getAndAdd(memory, at, delta);
    }

    /**
     * Loads from a page. If the file was truncated and the page is gone, the JVM turns the fault of
     * this load into an {@link InternalError}. It protects loads and stores everywhere, but
     * operations like the one after this call only in compiled code; where they are interpreted,
     * the signal ends the JVM. The compiler drops a load whose result is not used.
     */
    private static void requirePage(MemorySegment memory, long at) {
        long _ = plain(memory, at);
    }

    public static long plain(MemorySegment memory, long at) {
        return memory.get(LONG_UNALIGNED, at);
    }

    public static int intPlain(MemorySegment memory, long at) {
        return memory.get(INT_UNALIGNED, at);
    }

    public static void setPlain(MemorySegment memory, long at, long value) {
        memory.set(LONG_UNALIGNED, at, value);
    }

    public static void setIntPlain(MemorySegment memory, long at, int value) {
        memory.set(INT_UNALIGNED, at, value);
    }

    public static long plain(byte[] memory, int at) {
        return (long) HEAP_LONG.get(memory, at);
    }

    public static int intPlain(byte[] memory, int at) {
        return (int) HEAP_INT.get(memory, at);
    }

    public static void setPlain(byte[] memory, int at, long value) {
        HEAP_LONG.set(memory, at, value);
    }

    public static void setIntPlain(byte[] memory, int at, int value) {
        HEAP_INT.set(memory, at, value);
    }

    /** The least multiple of a power of two that is not below the value. */
    public static long roundUp(long value, long powerOfTwo) {
        return (value + powerOfTwo - 1) & -powerOfTwo;
    }

    /**
     * Keeps loads alive that only fetch what is read soon.
     *
     * @param sum the sum of the loaded values
     */
    public static void keepAlive(long sum) {
        if (sum == UNLIKELY) {
            Thread.onSpinWait();
        }
    }
}
