package dev.cairn.engine;

import dev.cairn.StoreClosed;
import dev.cairn.os.BoundedMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/*
 * Actors    threads that look at values in the mapping; one thread that closes the store.
 * Words     begun, ended, closed; all of them volatile, in one order that all threads see.
 * Steps     Z1 begun + 1    Z2 closed? then ended + 1 and out    Z3 the look    Z4 ended + 1
 *           Z5 closed       Z6 ended, then begun; equal: nobody looks     Z7 unmap
 * Why it is safe
 *           A view is memory that is not bound to its mapping, so the mapping must outlive it. A thread
 *           that comes to Z1 after Z6 read begun finds closed at Z2. A thread that came before is
 *           counted in begun, and is missing from ended, which was read earlier, until Z4.
 *           The function sees the value as long as slot word and table word are those that the lookup
 *           used (R5): until then the record was not overwritten, and no place of the stripe reused.
 *           They are loaded again after the function, whose result counts only then.
 */
/** Looks at values in the mapping: functions of users see a value without a copy of it. */
final class Views {
    /** How many times a function gets a value in the mapping before it gets a copy. */
    private static final int WHERE_IT_LIES = 2;

    private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(100);

    private final Path path;

    /** Not adders: those allocate, and an error between the two counters would block the close. */
    private final AtomicLong begun = new AtomicLong();

    private final AtomicLong ended = new AtomicLong();

    /** Each thread keeps an array with one number, which refers to no class of ours. */
    private final ThreadLocal<int[]> own = ThreadLocal.withInitial(() -> new int[1]);

    private volatile boolean closed;

    /**
     * @param path the path of the store, for messages
     */
    Views(Path path) {
        this.path = path;
    }

    /** Finds a value, and knows whether it is still there. */
    interface Source {
        /** Finds the value; null if there is none. */
        Reader.@Nullable View find();

        boolean isCurrent(Reader.View view);
    }

    /**
     * Returns what a function makes of a value. If the value changed while the function ran, its
     * result or exception is discarded, and the function runs again. If a writer comes between
     * every time, the function runs on a copy in the end.
     *
     * @return the result; null also if there is no value
     * @throws StoreClosed if the store is being closed
     */
    <T extends @Nullable Object> @Nullable T read(
            Source source, Function<? super MemorySegment, ? extends T> function) {
        begin();
        try {
            for (int attempt = 1; ; attempt++) {
                Reader.View view = source.find();
                if (view == null) {
                    return null;
                }
                try (Arena arena = Arena.ofConfined()) {
                    if (attempt > WHERE_IT_LIES) {
                        MemorySegment copy = BoundedMemory.copy(view.value(), arena);
                        if (source.isCurrent(view)) {
                            return function.apply(copy);
                        }
                    } else {
                        Outcome<T> outcome = Outcome.of(function, view, arena);
                        if (source.isCurrent(view)) {
                            return outcome.get();
                        }
                    }
                }
            }
        } finally {
            end();
        }
    }

    /** What a function returned or threw. */
    private record Outcome<T extends @Nullable Object>(
            @Nullable T result, @Nullable RuntimeException exception, @Nullable Error error) {
        static <T extends @Nullable Object> Outcome<T> of(
                Function<? super MemorySegment, ? extends T> function,
                Reader.View view,
                Arena arena) {
            try {
                return new Outcome<>(
                        function.apply(BoundedMemory.of(view.value(), arena)), null, null);
            } catch (RuntimeException e) {
                return new Outcome<>(null, e, null);
            } catch (Error e) {
                return new Outcome<>(null, null, e);
            }
        }

        @Nullable T get() {
            if (exception != null) {
                throw exception;
            }
            if (error != null) {
                throw error;
            }
            return result;
        }
    }

    private void begin() {
        int[] mine = own.get(); // what may fail for want of stack or memory comes before Z1
        begun.getAndIncrement(); // Z1
        if (closed) { // Z2
            ended.getAndIncrement();
            throw new StoreClosed(path);
        }
        mine[0]++;
    }

    private void end() {
        try {
            own.get()[0]--;
        } finally {
            ended.getAndIncrement(); // Z4
        }
    }

    /**
     * Refuses an operation that would wait for this thread's own look.
     *
     * @throws IllegalStateException if this thread looks at a value
     */
    void requireOutside() {
        if (own.get()[0] > 0) {
            throw new IllegalStateException(
                    path + ": a function that reads a value must not close or open the store");
        }
    }

    /** Lets no more looks begin, and waits until the last has ended. */
    void close() {
        closed = true; // Z5
        while (ended.get() != begun.get()) { // Z6
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
