package dev.cairn.bench.messages;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/**
 * Calls of the C library for which the JDK has nothing: FIFOs, pipes and message queues. They are
 * those of Linux.
 */
@SuppressWarnings("restricted")
final class Posix {
    static final int O_RDONLY = 0;
    static final int O_WRONLY = 1;
    private static final int O_CREAT = 0100;
    private static final int O_CLOEXEC = 02000000;
    private static final int OWNER_ONLY = 0600;
    private static final int ENOENT = 2;

    /** How many words a struct mq_attr has. */
    private static final int QUEUE_ATTRIBUTES = 8;

    private static final int MAX_MESSAGES = 1;
    private static final int MESSAGE_BYTES = 2;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option ERRNO_CAPTURE = Linker.Option.captureCallState("errno");
    private static final VarHandle ERRNO =
            Linker.Option.captureStateLayout().varHandle(PathElement.groupElement("errno"));

    private static final MethodHandle MKFIFO =
            call("mkfifo", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), ERRNO_CAPTURE);
    private static final MethodHandle PIPE2 =
            call("pipe2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), ERRNO_CAPTURE);
    private static final MethodHandle CLOSE =
            call("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), ERRNO_CAPTURE);
    private static final MethodHandle MQ_OPEN =
            call(
                    "mq_open",
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS),
                    ERRNO_CAPTURE,
                    Linker.Option.firstVariadicArg(2));
    private static final MethodHandle MQ_CLOSE =
            call("mq_close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), ERRNO_CAPTURE);
    private static final MethodHandle MQ_UNLINK =
            call("mq_unlink", FunctionDescriptor.of(JAVA_INT, ADDRESS), ERRNO_CAPTURE);
    private static final MethodHandle MQ_SEND =
            call(
                    "mq_send",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT),
                    ERRNO_CAPTURE);
    private static final MethodHandle MQ_RECEIVE =
            call(
                    "mq_receive",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS),
                    ERRNO_CAPTURE);

    private Posix() {}

    private static MethodHandle call(
            String name, FunctionDescriptor type, Linker.Option... options) {
        MemorySegment address =
                LINKER.defaultLookup()
                        .find(name)
                        .or(() ->
                                SymbolLookup.libraryLookup("librt.so.1", Arena.global()).find(name))
                        .orElseThrow(() -> new UnsupportedOperationException("no " + name));
        return LINKER.downcallHandle(address, type, options);
    }

    /** Two descriptors that a child does not inherit. */
    record Pipe(int readEnd, int writeEnd) {}

    static Pipe pipe() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = state(arena);
            MemorySegment both = arena.allocate(JAVA_INT, 2);
            int result = (int) PIPE2.invokeExact(state, both, O_CLOEXEC);
            require(result >= 0, state, "pipe2");
            return new Pipe(both.getAtIndex(JAVA_INT, 0), both.getAtIndex(JAVA_INT, 1));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    static void close(int descriptor) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = state(arena);
            int result = (int) CLOSE.invokeExact(state, descriptor);
            require(result >= 0, state, "close");
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    static void makeFifo(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = state(arena);
            MemorySegment name = arena.allocateFrom(file.toString());
            int result = (int) MKFIFO.invokeExact(state, name, OWNER_ONLY);
            require(result >= 0, state, "mkfifo of " + file);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /**
     * Opens a queue, and creates it if it is not there.
     *
     * @param name with a slash at the beginning
     * @param access {@link #O_RDONLY} or {@link #O_WRONLY}
     */
    static int openQueue(String name, int access, int messages, int bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = state(arena);
            MemorySegment attributes = arena.allocate(JAVA_LONG, QUEUE_ATTRIBUTES);
            attributes.setAtIndex(JAVA_LONG, MAX_MESSAGES, messages);
            attributes.setAtIndex(JAVA_LONG, MESSAGE_BYTES, bytes);
            MemorySegment cName = arena.allocateFrom(name);
            int flags = access | O_CREAT | O_CLOEXEC;
            int queue = (int) MQ_OPEN.invokeExact(state, cName, flags, OWNER_ONLY, attributes);
            require(queue >= 0, state, "mq_open of " + name);
            return queue;
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    static void closeQueue(int queue) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = state(arena);
            int result = (int) MQ_CLOSE.invokeExact(state, queue);
            require(result >= 0, state, "mq_close");
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** Removes a queue if it is there. */
    static void removeQueue(String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = state(arena);
            MemorySegment cName = arena.allocateFrom(name);
            int result = (int) MQ_UNLINK.invokeExact(state, cName);
            require(result >= 0 || (int) ERRNO.get(state, 0L) == ENOENT, state, "mq_unlink");
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** Memory in which {@link #send} and {@link #receive} note an error. */
    static MemorySegment state(Arena arena) {
        return arena.allocate(Linker.Option.captureStateLayout());
    }

    static void send(MemorySegment state, int queue, MemorySegment from, long bytes)
            throws IOException {
        try {
            int result = (int) MQ_SEND.invokeExact(state, queue, from, bytes, 0);
            require(result >= 0, state, "mq_send");
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** Receives as many bytes as were sent at once. */
    static long receive(MemorySegment state, int queue, MemorySegment to) throws IOException {
        try {
            long room = to.byteSize();
            long bytes = (long) MQ_RECEIVE.invokeExact(state, queue, to, room, MemorySegment.NULL);
            require(bytes >= 0, state, "mq_receive");
            return bytes;
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    private static void require(boolean success, MemorySegment state, String what)
            throws IOException {
        if (!success) {
            throw new IOException(what + ": errno " + (int) ERRNO.get(state, 0L));
        }
    }

    private static IOException thrown(Throwable e) {
        return switch (e) {
            case IOException failure -> failure;
            case Error error -> throw error;
            default -> throw new AssertionError("a native call does not throw", e);
        };
    }
}
