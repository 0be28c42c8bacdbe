package dev.cairn.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Locks that an open file description owns: fcntl(2) with F_OFD_SETLK. Each user of a lock file has
 * its own description, so the kernel distinguishes users, whether they belong to one JVM, one class
 * loader or two. A user's own locks do not exclude each other.
 *
 * <p>A child process that is forked has the description too, until it executes another program
 * (O_CLOEXEC). The JVM's own children do so at once; a child of native code that never does keeps
 * the locks of its dead parent.
 */
final class DescriptorLocks implements LockFile {
    private static final int O_RDONLY_CLOEXEC = 0x80000;
    private static final int O_RDWR_CLOEXEC = 0x80002;
    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;
    private static final int EINTR = 4;
    private static final int EAGAIN = 11;
    private static final int EACCES = 13;

    /** The size of struct flock if long has 64 bits. */
    private static final int FLOCK_BYTES = 32;

    private static final int FLOCK_START = 8;
    private static final int FLOCK_LENGTH = 16;
    private static final long TO_THE_END = 0;
    private static final int ASCII_END = 128;

    /** The character that stands in a path's text for bytes that are not UTF-8. */
    private static final char UNDECODABLE = '\uFFFD';

    private static final @Nullable Calls CALLS = Calls.find();

    /**
     * The locks whose users left while a process was opening the store. The file's next user takes
     * one over, so there are never more of them than there were users at once. The list guards
     * itself.
     */
    private static final List<DescriptorLocks> LEFT = new ArrayList<>();

    private record Calls(
            MethodHandle open,
            MethodHandle close,
            MethodHandle fcntl,
            StructLayout stateLayout,
            VarHandle errno) {

        @SuppressWarnings("restricted") // asked for first: Native.isAllowed
        static @Nullable Calls find() {
            if (!Native.isAllowed() || ADDRESS.byteSize() != Long.BYTES) {
                return null;
            }
            Linker linker = Linker.nativeLinker();
            var open = linker.defaultLookup().find("open");
            var close = linker.defaultLookup().find("close");
            var fcntl = linker.defaultLookup().find("fcntl");
            if (open.isEmpty() || close.isEmpty() || fcntl.isEmpty()) {
                return null;
            }
            Linker.Option variadic = Linker.Option.firstVariadicArg(2);
            Linker.Option errno = Linker.Option.captureCallState("errno");
            StructLayout state = Linker.Option.captureStateLayout();
            Calls calls =
                    new Calls(
                            linker.downcallHandle(
                                    open.get(),
                                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                                    variadic,
                                    errno),
                            linker.downcallHandle(
                                    close.get(), FunctionDescriptor.of(JAVA_INT, JAVA_INT)),
                            linker.downcallHandle(
                                    fcntl.get(),
                                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS),
                                    variadic,
                                    errno),
                            state,
                            state.varHandle(PathElement.groupElement("errno")));
            return calls.work() ? calls : null;
        }

        /**
         * Whether the locks work: it makes a call that changes nothing, on a file on which nobody
         * has locks.
         */
        private boolean work() {
            int root = open("/", O_RDONLY_CLOEXEC);
            if (root < 0) {
                return false;
            }
            int errno = lock(root, F_UNLCK, 0, 1);
            close(root);
            return errno == 0;
        }

        /** The descriptor, or a negative number. */
        int open(String file, int flags) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment state = arena.allocate(stateLayout);
                return (int) open.invokeExact(state, arena.allocateFrom(file), flags);
            } catch (Throwable e) {
                throw Native.thrown(e);
            }
        }

        void close(int descriptor) {
            try {
                int _ = (int) close.invokeExact(descriptor);
            } catch (Throwable e) {
                throw Native.thrown(e);
            }
        }

        /** 0, or the errno. */
        int lock(int descriptor, short type, long at, long length) {
            try (Arena arena = Arena.ofConfined()) {
                return call(descriptor, F_OFD_SETLK, flock(arena, type, at, length), arena);
            }
        }

        /**
         * 1 if another lock would prevent an exclusive one there, 0 if none would, or minus the
         * errno.
         */
        int isLocked(int descriptor, long at, long length) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment flock = flock(arena, F_WRLCK, at, length);
                int error = call(descriptor, F_OFD_GETLK, flock, arena);
                return error != 0 ? -error : flock.get(JAVA_SHORT, 0) == F_UNLCK ? 0 : 1;
            }
        }

        private static MemorySegment flock(Arena arena, short type, long at, long length) {
            MemorySegment flock = arena.allocate(FLOCK_BYTES, Long.BYTES);
            flock.set(JAVA_SHORT, 0, type);
            flock.set(JAVA_LONG, FLOCK_START, at);
            flock.set(JAVA_LONG, FLOCK_LENGTH, length);
            return flock;
        }

        private int call(int descriptor, int command, MemorySegment flock, Arena arena) {
            MemorySegment state = arena.allocate(stateLayout);
            try {
                while (true) {
                    int result = (int) fcntl.invokeExact(state, descriptor, command, flock);
                    int error = result == 0 ? 0 : (int) errno.get(state, 0L);
                    if (error != EINTR) {
                        return error;
                    }
                }
            } catch (Throwable e) {
                throw Native.thrown(e);
            }
        }
    }

    private final Calls calls;
    private final Path file;
    private final FileIdentity identity;
    private final boolean writable;

    /**
     * The descriptor, negative once it is closed, because its number may be another file's by then.
     * Guarded by this.
     */
    private int descriptor;

    private DescriptorLocks(
            Calls calls, Path file, FileIdentity identity, boolean writable, int descriptor) {
        this.calls = calls;
        this.file = file;
        this.identity = identity;
        this.writable = writable;
        this.descriptor = descriptor;
    }

    /**
     * Opens the file; null if there are no such locks, or if the file cannot be opened, for which
     * Java tells the reason.
     */
    static @Nullable DescriptorLocks open(Path file, boolean writable) throws IOException {
        Calls calls = CALLS;
        if (calls == null || !isNameInUtf8(file.toString())) {
            return null;
        }
        closeLeft();
        while (Files.exists(file)) {
            FileIdentity identity = FileIdentity.of(file);
            DescriptorLocks left = takeLeft(identity, writable);
            if (left != null) {
                return left;
            }
            int opened = calls.open(file.toString(), writable ? O_RDWR_CLOEXEC : O_RDONLY_CLOEXEC);
            if (opened < 0) {
                return null;
            }
            var locks = new DescriptorLocks(calls, file, identity, writable, opened);
            if (identity.isAt(file)) {
                return locks;
            }
            locks.leave(); // replaced at this very moment: try again with the new one
        }
        return null;
    }

    private static @Nullable DescriptorLocks takeLeft(FileIdentity identity, boolean writable) {
        synchronized (LEFT) {
            for (DescriptorLocks each : LEFT) {
                if (each.writable == writable && each.identity.equals(identity)) {
                    LEFT.remove(each);
                    return each;
                }
            }
            return null;
        }
    }

    /** Whether the kernel gets the same name that Java gives it. */
    private static boolean isNameInUtf8(String name) {
        return name.chars().allMatch(each -> each < ASCII_END)
                || System.getProperty("sun.jnu.encoding", "").equals("UTF-8")
                        && name.indexOf(UNDECODABLE) < 0;
    }

    @Override
    public synchronized KernelLocks.Attempt attempt(long at, long length, boolean shared)
            throws IOException {
        int errno = lock(shared ? F_RDLCK : F_WRLCK, at, length);
        return switch (errno) {
            case 0 -> new KernelLocks.Held(file, () -> release(at, length));
            case EAGAIN, EACCES -> new KernelLocks.Elsewhere();
            default -> throw new IOException(file + ": locking failed with errno " + errno);
        };
    }

    @Override
    public synchronized boolean isLocked(long at, long length) throws IOException {
        if (descriptor < 0) {
            throw new ClosedChannelException();
        }
        int found = calls.isLocked(descriptor, at, length);
        if (found < 0) {
            throw new IOException(file + ": testing for a lock failed with errno " + -found);
        }
        return found > 0;
    }

    @Override
    public FileIdentity identity() {
        return identity;
    }

    private synchronized void release(long at, long length) throws IOException {
        int errno = lock(F_UNLCK, at, length);
        if (errno != 0) {
            throw new IOException(file + ": unlocking failed with errno " + errno);
        }
    }

    private int lock(short type, long at, long length) throws IOException {
        if (descriptor < 0) {
            throw new ClosedChannelException();
        }
        return calls.lock(descriptor, type, at, length);
    }

    @Override
    public void leave() throws IOException {
        release(0, TO_THE_END); // in case it is not closed at once
        synchronized (LEFT) {
            LEFT.add(this);
        }
        closeLeft();
    }

    private static void closeLeft() throws IOException {
        synchronized (LEFT) {
            var each = LEFT.iterator();
            while (each.hasNext()) {
                if (each.next().closeUnlessOpening()) {
                    each.remove();
                }
            }
        }
    }

    private synchronized boolean closeUnlessOpening() throws IOException {
        boolean closes = attempt(KernelLocks.OPEN_BYTE, 1, !writable) instanceof KernelLocks.Held;
        if (closes) {
            calls.close(descriptor);
            descriptor = -1;
        }
        return closes;
    }
}
