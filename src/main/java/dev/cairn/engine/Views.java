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
 * Actors    threads that look at values where they lie; one thread that closes the store.
 * Words     begun, ended, closed; all of them volatile, in one order that all threads see.
 * Steps     Z1 begun + 1    Z2 closed? then ended + 1 and out    Z3 the look    Z4 ended + 1
 *           Q1 closed       Q2 ended, then begun; equal: nobody looks     Q3 unmap
 * Why it is safe
 *           A view is memory that is not bound to its mapping, so the mapping must outlive it. Who
 *           comes to Z1 after Q2 read begun finds closed at Z2. Who came before is counted there, and
 *           is missing from ended, which was read earlier, until Z4.
 *           What the function sees is the value as long as slot word and table word are those that
 *           the lookup went by (R5): the record was not overwritten, and nothing of the stripe used
 *           again until then. They are asked for behind the function, whose result counts only then.
 */
/** The looks at values where they lie: functions of users, which see a value without a copy of it. */
final class Views {
    /** Times that a function is given a value where it lies before it is given a copy. */
    private static final int WHERE_IT_LIES = 2;

    private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(100);

    private final Path path;

    /** No adders: those allocate, and an error between the two counters would stop the close. */
    private final AtomicLong begun = new AtomicLong();

    private final AtomicLong ended = new AtomicLong();

    /** A thread keeps an array of one number, which leads to no class of ours. */
    private final ThreadLocal<int[]> own = ThreadLocal.withInitial(() -> new int[1]);

    private volatile boolean closed;

    /**
     * @param path of the store, for messages
     */
    Views(Path path) {
        this.path = path;
    }

    /** Finds a value, and knows whether it is still there. */
    interface Source {
        /** Null if there is none. */
        Reader.@Nullable View find();

        boolean isCurrent(Reader.View view);
    }

    /**
     * What a function makes of a value. If the value was no more while the function ran, what came of
     * that is forgotten, be it a result or an exception, and the function runs again; a writer that
     * comes between every time makes it run on a copy at last.
     *
     * @return null also if there is no value
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
     * Refuses what would wait for this thread's own look.
     *
     * @throws IllegalStateException if this thread looks at a value
     */
    void requireOutside() {
        if (own.get()[0] > 0) {
            throw new IllegalStateException(
                    path + ": a function that reads a value must not close the store or open it");
        }
    }

    /** Lets no more begin, and waits until the last has ended. */
    void close() {
        closed = true; // Q1
        while (ended.get() != begun.get()) { // Q2
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
