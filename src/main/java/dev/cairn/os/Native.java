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

/**
 * The native calls that make Cairn faster where the program allows them; without them everything
 * works by portable paths, and the JVM prints no warning because nothing restricted is tried.
 */
final class Native {
    static final int NOT_HERE = -1;
    private static final int ENOSPC = 28;
    private static final int EDQUOT = 122;
    private static final int ENOSYS = 38;
    private static final int EOPNOTSUPP = 95;
    private static final int O_RDWR_CLOEXEC = 0x80002;
    private static final int MADV_RANDOM = 1;
    private static final int FALLOC_FL_PUNCH_HOLE_KEEP_SIZE = 3;

    private static final @Nullable Calls CALLS = Calls.find();

    private Native() {}

    /** Whether this is Linux, and the program lets the library call it. */
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
     * Gives the bytes of a file real blocks, extending the file; existing bytes stay. Uses
     * fallocate(2) itself, because the C library's emulation races with mapped stores.
     *
     * @return 0, the errno, or {@link #NOT_HERE} when the call or the file system cannot do it
     */
    static int allocate(Path file, long offset, long length) {
        return fallocate(file, 0, offset, length);
    }

    /** Takes the blocks of a range from a file, which keeps its length; as {@link #allocate}. */
    static int punch(Path file, long offset, long length) {
        return fallocate(file, FALLOC_FL_PUNCH_HOLE_KEEP_SIZE, offset, length);
    }

    private static int fallocate(Path file, int mode, long offset, long length) {
        if (CALLS == null) {
            return NOT_HERE;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CALLS.stateLayout);
            MemorySegment name = arena.allocateFrom(file.toString());
            int fd = (int) CALLS.open.invokeExact(state, name, O_RDWR_CLOEXEC);
            if (fd < 0) {
                return NOT_HERE;
            }
            int result = (int) CALLS.fallocate.invokeExact(state, fd, mode, offset, length);
            int errno = result == 0 ? 0 : (int) CALLS.errno.get(state, 0L);
            int _ = (int) CALLS.close.invokeExact(fd);
            return errno == ENOSYS || errno == EOPNOTSUPP ? NOT_HERE : errno;
        } catch (RuntimeException | Error e) {
            throw e; // no stack or memory for it
        } catch (Throwable e) {
            throw new AssertionError("a native call does not throw", e);
        }
    }

    static String message(int errno) {
        return errno == ENOSPC || errno == EDQUOT
                ? "No space left on device"
                : "fallocate failed with errno " + errno;
    }

    /**
     * Tells the kernel that a mapping is touched at random: its pages then come one at a time, and
     * one dirty word costs one page of write-back instead of a large folio.
     */
    static void adviseRandom(MemorySegment mapping) {
        if (CALLS == null) {
            return;
        }
        try {
            int _ = (int) CALLS.madvise.invokeExact(mapping, mapping.byteSize(), MADV_RANDOM);
        } catch (RuntimeException | Error e) {
            throw e; // no stack or memory for it
        } catch (Throwable e) {
            throw new AssertionError("a native call does not throw", e);
        }
    }
}
