package dev.cairn.os;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Memory for reading that ends with an arena, whatever it is a part of. */
public final class BoundedMemory {
    private static final boolean RESTRICTED_ALLOWED =
            BoundedMemory.class.getModule().isNativeAccessEnabled();

    private BoundedMemory() {}

    /**
     * The same bytes in the mapping, which the caller must keep mapped until the arena is closed.
     * If the program allows the library no native access, it is a copy of them.
     */
    @SuppressWarnings("restricted") // asked for first
    public static MemorySegment of(MemorySegment memory, Arena arena) {
        return RESTRICTED_ALLOWED
                ? memory.reinterpret(arena, null).asReadOnly()
                : copy(memory, arena);
    }

    /** A copy of the bytes. */
    public static MemorySegment copy(MemorySegment memory, Arena arena) {
        return arena.allocateFrom(
                        ValueLayout.JAVA_BYTE, memory, ValueLayout.JAVA_BYTE, 0, memory.byteSize())
                .asReadOnly();
    }
}
