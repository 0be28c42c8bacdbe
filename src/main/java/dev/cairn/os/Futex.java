package dev.cairn.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;

/**
 * Sleeps in the kernel until another process has stored to a word of a shared mapping and wakes the
 * sleepers: futex(2). A call blocks its thread, and the carrier of a virtual one, and no interrupt
 * ends it. So it is for platform threads and short times.
 */
public final class Futex {
    private static final int WAIT = 0;
    private static final int WAKE = 1;
    private static final int ALL = Integer.MAX_VALUE;
    private static final int TIMESPEC_BYTES = 16;
    private static final int EINTR = 4;
    private static final int EAGAIN = 11;
    private static final int ETIMEDOUT = 110;

    private static final @Nullable Calls CALLS = Calls.find();

    private Futex() {}

    private record Calls(
            long number,
            MethodHandle await,
            MethodHandle wake,
            StructLayout stateLayout,
            VarHandle errno) {

        @SuppressWarnings("restricted") // asked for first: Native.isAllowed
        static @Nullable Calls find() {
            long number =
                    switch (System.getProperty("os.arch")) {
                        case "amd64", "x86_64" -> 202;
                        case "aarch64" -> 98;
                        default -> -1;
                    };
            if (number < 0 || !Native.isAllowed()) {
                return null;
            }
            Linker linker = Linker.nativeLinker();
            var syscall = linker.defaultLookup().find("syscall");
            if (syscall.isEmpty()) {
                return null;
            }
            FunctionDescriptor signature =
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS,
                            JAVA_INT);
            Linker.Option variadic = Linker.Option.firstVariadicArg(1);
            Linker.Option errno = Linker.Option.captureCallState("errno");
            StructLayout state = Linker.Option.captureStateLayout();
            return new Calls(
                    number,
                    linker.downcallHandle(syscall.get(), signature, variadic, errno),
                    linker.downcallHandle(syscall.get(), signature, variadic),
                    state,
                    state.varHandle(PathElement.groupElement("errno")));
        }
    }

    /** Whether this process can sleep, and wake sleepers. */
    public static boolean isAvailable() {
        return CALLS != null;
    }

    /**
     * Sleeps until it is woken, unless the word has another value than expected; may return early.
     *
     * @param at the offset of the word in the memory, a multiple of 4
     * @param expected its 4 bytes
     * @return false if the kernel does not support this here, and the thread did not sleep
     */
    public static boolean await(MemorySegment memory, long at, int expected, long nanos) {
        Calls calls = CALLS;
        if (calls == null) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(calls.stateLayout);
            MemorySegment time = arena.allocate(TIMESPEC_BYTES, Long.BYTES);
            time.set(JAVA_LONG, 0, TimeUnit.NANOSECONDS.toSeconds(nanos));
            time.set(JAVA_LONG, Long.BYTES, nanos % TimeUnit.SECONDS.toNanos(1));
            long result =
                    (long)
                            calls.await.invokeExact(
                                    state,
                                    calls.number,
                                    memory.asSlice(at, Integer.BYTES),
                                    WAIT,
                                    expected,
                                    time,
                                    MemorySegment.NULL,
                                    0);
            int errno = result == 0 ? 0 : (int) calls.errno.get(state, 0L);
            return errno == 0 || errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT;
        } catch (RuntimeException | Error e) {
            throw e; // the mapping was closed, or there is no stack
        } catch (Throwable e) {
            throw new AssertionError("a native call does not throw", e);
        }
    }

    /**
     * Wakes all threads of all processes that sleep on the word; does nothing if that is not
     * supported.
     */
    public static void wakeAll(MemorySegment memory, long at) {
        Calls calls = CALLS;
        if (calls == null) {
            return;
        }
        try {
            long _ =
                    (long)
                            calls.wake.invokeExact(
                                    calls.number,
                                    memory.asSlice(at, Integer.BYTES),
                                    WAKE,
                                    ALL,
                                    MemorySegment.NULL,
                                    MemorySegment.NULL,
                                    0);
        } catch (RuntimeException | Error e) {
            throw e; // as above
        } catch (Throwable e) {
            throw new AssertionError("a native call does not throw", e);
        }
    }
}
