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
import java.nio.file.Path;
import java.util.Objects;

/**
 * The native calls that make Cairn faster if the program allows them. Without them everything works
 * in portable ways, and the JVM prints no warning because nothing restricted is tried.
 */
final class Native {
    private static final int EINTR = 4;
    private static final int ENOSYS = 38;
    private static final int EOPNOTSUPP = 95;
    private static final int O_RDWR_CLOEXEC = 0x80002;
    private static final int MADV_RANDOM = 1;
    private static final int MADV_HUGEPAGE = 14;
    private static final int FALLOC_FL_PUNCH_HOLE_KEEP_SIZE = 3;

    /**
     * The number of bytes for one call. A file system in memory may give up a whole call because of
     * one signal, such as a profiler sends every few milliseconds; a call for this many bytes takes
     * less time than that.
     */
    private static final long SLICE_BYTES = 1 << 20;

    private static final @Nullable Calls CALLS = Calls.find();

    private Native() {}

    /** Whether this is Linux, and the program allows the library to make native calls. */
    static boolean isAllowed() {
        return Native.class.getModule().isNativeAccessEnabled()
                && System.getProperty("os.name").equals("Linux");
    }

    private record Calls(
            MethodHandle open,
            MethodHandle close,
            MethodHandle fallocate,
            MethodHandle madvise,
            StructLayout stateLayout,
            VarHandle errno) {

        @SuppressWarnings("restricted") // asked for first: isAllowed
        static @Nullable Calls find() {
            if (!isAllowed()) {
                return null;
            }
            Linker linker = Linker.nativeLinker();
            Linker.Option errno = Linker.Option.captureCallState("errno");
            StructLayout state = Linker.Option.captureStateLayout();
            var lookup = linker.defaultLookup();
            var open = lookup.find("open");
            var close = lookup.find("close");
            var fallocate = lookup.find("fallocate");
            var madvise = lookup.find("madvise");
            if (open.isEmpty() || close.isEmpty() || fallocate.isEmpty() || madvise.isEmpty()) {
                return null;
            }
            return new Calls(
                    linker.downcallHandle(
                            open.get(),
                            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                            Linker.Option.firstVariadicArg(2),
                            errno),
                    linker.downcallHandle(close.get(), FunctionDescriptor.of(JAVA_INT, JAVA_INT)),
                    linker.downcallHandle(
                            fallocate.get(),
                            FunctionDescriptor.of(
                                    JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG),
                            errno),
                    linker.downcallHandle(
                            madvise.get(),
                            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)),
                    state,
                    state.varHandle(PathElement.groupElement("errno")));
        }
    }

    /**
     * The error of a call. The call itself throws nothing, but there may be no stack or no memory
     * for it.
     */
    static Error thrown(Throwable e) {
        return e instanceof Error error
                ? error
                : new AssertionError("a native call does not throw", e);
    }

    /** Whether the calls below exist. */
    static boolean isHere() {
        return CALLS != null;
    }

    /** Opens a descriptor of a file, for reading and writing; negative if that fails. */
    static int open(Path file) {
        Calls calls = Objects.requireNonNull(CALLS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(calls.stateLayout);
            MemorySegment name = arena.allocateFrom(file.toString());
            return (int) calls.open.invokeExact(state, name, O_RDWR_CLOEXEC);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    static void close(int descriptor) {
        try {
            int _ = (int) Objects.requireNonNull(CALLS).close.invokeExact(descriptor);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /**
     * See {@link Descriptor#allocate}. It calls fallocate(2) itself, because the C library's
     * emulation races with mapped stores.
     */
    static int allocate(int descriptor, long from, long to) {
        return fallocate(descriptor, 0, from, to);
    }

    /** See {@link Descriptor#punch}. */
    static int punch(int descriptor, long from, long to) {
        return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE_KEEP_SIZE, from, to);
    }

    private static int fallocate(int descriptor, int mode, long from, long to) {
        Calls calls = Objects.requireNonNull(CALLS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(calls.stateLayout);
            int errno =
                    inSlices(
                            from,
                            to,
                            (at, bytes) ->
                                    (int)
                                                            calls.fallocate.invokeExact(
                                                                    state,
                                                                    descriptor,
                                                                    mode,
                                                                    at,
                                                                    bytes)
                                                    == 0
                                            ? 0
                                            : (int) calls.errno.get(state, 0L));
            return errno == ENOSYS || errno == EOPNOTSUPP ? Descriptor.NOT_HERE : errno;
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** A call for a part of a range; returns 0 or its errno. */
    interface Call {
        int of(long at, long bytes) throws Throwable;
    }

    /**
     * Makes a call for each slice of a range, and repeats it if a signal ended it; returns 0 or the
     * first errno.
     */
    static int inSlices(long from, long to, Call call) throws Throwable {
        int errno = 0;
        for (long at = from; at < to && errno == 0; at += SLICE_BYTES) {
            do {
                errno = call.of(at, Math.min(to - at, SLICE_BYTES));
            } while (errno == EINTR);
        }
        return errno;
    }

    /**
     * Tells the kernel in which pages a mapping should come into memory. If it does not follow,
     * only speed is lost. Large pages come one at a time, as small ones do: nothing is read ahead.
     */
    static void advise(MemorySegment mapping, Pages pages) {
        if (CALLS == null) {
            return;
        }
        try {
            int _ = (int) CALLS.madvise.invokeExact(mapping, mapping.byteSize(), MADV_RANDOM);
            if (pages == Pages.LARGE) {
                int _ = (int) CALLS.madvise.invokeExact(mapping, mapping.byteSize(), MADV_HUGEPAGE);
            }
        } catch (RuntimeException | Error e) {
            throw e; // no stack or memory
        } catch (Throwable e) {
            throw thrown(e);
        }
    }
}
