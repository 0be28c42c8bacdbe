package dev.cairn.engine;

import static dev.cairn.lock.ProcessTable.OPEN_BYTE;
import static dev.cairn.lock.ProcessTable.READERS_BYTE;
import static dev.cairn.lock.ProcessTable.WRITERS_BYTE;

import dev.cairn.format.Checksum;
import dev.cairn.format.SharedLayout;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.FileIdentity;
import dev.cairn.os.Holders;
import dev.cairn.os.Host;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.ProcessIdentity;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The processes that have a store open, as seen without taking part: by the kernel locks, the
 * process table and, if those name nobody, by the descriptors of processes.
 *
 * @param opening whether a process is opening or closing it
 * @param any whether a process has it open or opens it
 * @param processes the process IDs, as far as they are valid here
 */
record Users(boolean opening, boolean any, List<Long> processes) {
    /** All bytes except that of opening: another version of this library may have more members. */
    static final long ALL_LENGTH = Long.MAX_VALUE - READERS_BYTE;

    static Users of(MemoryFiles store) throws IOException {
        StoreFiles files = store.files();
        boolean opening = false;
        boolean locked = false;
        boolean readers = false;
        List<ProcessIdentity> members;
        Set<FileIdentity> seen = new HashSet<>();
        if (store.hasLock() && Files.isReadable(files.lock())) {
            boolean writable = Files.isWritable(files.lock());
            try (KernelLocks kernel = KernelLocks.openExisting(files.lock(), writable)) {
                opening = kernel.isLocked(OPEN_BYTE, 1);
                locked = kernel.isLocked(READERS_BYTE, ALL_LENGTH);
                readers = locked && kernel.isLocked(READERS_BYTE, WRITERS_BYTE - READERS_BYTE);
                members = members(store, kernel);
            }
            seen.add(FileIdentity.of(files.lock()));
        } else {
            members = members(store, null);
        }
        if (store.hasData() && Files.isReadable(files.data())) {
            locked |= DataLock.isUsed(files.data());
            seen.add(FileIdentity.of(files.data()));
        }
        boolean any = opening || locked || !members.isEmpty();
        SortedSet<Long> processes = new TreeSet<>();
        for (ProcessIdentity member : members) {
            if (member.isOfThisNamespace()) {
                processes.add(member.pid());
            }
        }
        if (readers || any && members.isEmpty()) {
            SortedSet<Long> holders = Holders.of(seen);
            if (!OpenStores.isOpenHere(files.data())) {
                // this process only looks, or removes
                holders.remove(ProcessHandle.current().pid());
            }
            processes.addAll(holders);
        }
        return new Users(opening, any, List.copyOf(processes));
    }

    private static List<ProcessIdentity> members(MemoryFiles store, @Nullable KernelLocks kernel)
            throws IOException {
        Path shared = store.files().shared();
        if (!store.hasShared() || !Files.isReadable(shared)) {
            return List.of();
        }
        byte[] table = Host.read(shared, 0, SharedLayout.STRIPE_DESCRIPTORS);
        if (table.length < SharedLayout.STRIPE_DESCRIPTORS
                || !Host.sameBoot(Checksum.idAt(table, SharedLayout.BOOT_ID))) {
            return List.of();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(table.length, Long.BYTES);
            memory.copyFrom(MemorySegment.ofArray(table));
            return ProcessTable.members(memory, kernel);
        }
    }

    /** Describes the users as the beginning of a sentence. */
    String described() {
        return switch (processes.size()) {
            case 0 -> "a process that is not visible from here has it open";
            case 1 -> "process " + processes.getFirst() + " has it open";
            default -> {
                String numbers = processes.toString();
                yield "processes %s have it open"
                        .formatted(numbers.substring(1, numbers.length() - 1));
            }
        };
    }
}
