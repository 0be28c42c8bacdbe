package dev.cairn.engine;

import dev.cairn.CairnException;
import dev.cairn.Durability;
import dev.cairn.SharedMemoryStore;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.os.OpenFile;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What a look at the files of one name found. */
record MemoryRow(
        String name,
        State state,
        long bytes,
        OptionalLong entries,
        Optional<Durability> durability,
        List<Long> processes,
        Optional<String> owner,
        Instant changed,
        List<String> leftovers,
        Optional<String> problem)
        implements SharedMemoryStore {

    /**
     * Looks at the files, and writes nothing.
     *
     * @throws NoSuchFileException if the files were removed meanwhile
     */
    static MemoryRow of(String name, MemoryFiles store) throws IOException {
        Users users = Users.of(store);
        List<String> leftovers =
                leftovers(store, users).stream()
                        .map(file -> file.getFileName().toString())
                        .toList();
        Inside inside = Inside.NONE;
        String problem = store.problem();
        if (store.hasData() && problem == null) {
            try {
                inside = inside(store);
            } catch (NoSuchFileException e) {
                throw e;
            } catch (CairnException e) {
                problem = e.getMessage();
            } catch (FileSystemException e) {
                problem =
                        e.getFile()
                                + ": "
                                + (e.getReason() == null ? "permission denied" : e.getReason());
            }
        }
        long bytes = 0;
        Instant changed = Instant.MIN;
        Optional<String> owner = Optional.empty();
        List<Path> files = new ArrayList<>(store.named());
        files.addAll(store.making());
        for (Path file : files) {
            bytes += Files.size(file);
            Instant its = Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toInstant();
            changed = its.isAfter(changed) ? its : changed;
            owner = owner.isPresent() ? owner : owner(file);
        }
        return new MemoryRow(
                name,
                state(store, users, leftovers, problem),
                bytes,
                inside.entries,
                Optional.ofNullable(inside.durability),
                users.processes(),
                owner,
                changed,
                leftovers,
                Optional.ofNullable(problem));
    }

    private static State state(
            MemoryFiles store, Users users, List<String> leftovers, @Nullable String problem) {
        if (problem != null) {
            return State.UNREADABLE;
        }
        if (store.hasData()) {
            return users.any() ? State.USED : State.UNUSED;
        }
        return leftovers.isEmpty() ? State.USED : State.LEFTOVER;
    }

    private static Optional<String> owner(Path file) throws IOException {
        try {
            return Optional.of(Files.getOwner(file, LinkOption.NOFOLLOW_LINKS).getName());
        } catch (UnsupportedOperationException _) {
            return Optional.empty();
        }
    }

    /**
     * The files that nobody uses or creates any more, in the order of removal: all files in
     * creation and, if there is no data file, its companions.
     */
    static List<Path> leftovers(MemoryFiles store, Users users) throws IOException {
        List<Path> left = new ArrayList<>();
        for (Path file : store.making()) {
            Path made = StoreFiles.madeWithId(file);
            boolean held =
                    made == null
                            ? users.opening()
                            : Files.isReadable(made) && DataLock.isUsed(made);
            if (!held) {
                left.add(file);
            }
        }
        if (!store.hasData() && !users.any()) {
            left.addAll(store.named());
        }
        return left;
    }

    private record Inside(OptionalLong entries, @Nullable Durability durability) {
        static final Inside NONE = new Inside(OptionalLong.empty(), null);
    }

    private static Inside inside(MemoryFiles store) throws IOException {
        StoreFiles files = store.files();
        try (OpenFile data = OpenFile.open(files.data(), false)) {
            DataFiles.Prefix prefix = DataFiles.read(data);
            int stripes = prefix.header().stripes();
            Durability durability = prefix.header().durability();
            if (!store.hasShared() || !Files.isReadable(files.shared())) {
                return new Inside(counted(prefix.newest()), durability);
            }
            return switch (SharedFiles.look(files, data, prefix, false)) {
                case SharedFiles.Usable(OpenFile shared, long _) ->
                        new Inside(counted(shared, stripes), durability);
                case SharedFiles.Clean(OpenFile shared, long _) ->
                        new Inside(counted(shared, stripes), durability);
                case SharedFiles.Useless _ -> new Inside(counted(prefix.newest()), durability);
            };
        }
    }

    private static OptionalLong counted(CheckpointSlot newest) {
        return OptionalLong.of(
                newest.cuts().stream().mapToLong(CheckpointSlot.Cut::liveCount).sum());
    }

    /**
     * The number of entries. It is read by system calls: if the file is truncated meanwhile, the
     * read ends, and not this process.
     */
    private static OptionalLong counted(OpenFile shared, int stripes) throws IOException {
        try (shared) {
            int bytes = stripes * StripeWords.BYTES;
            byte[] words = shared.read(SharedLayout.STRIPE_DESCRIPTORS, bytes);
            long sum = 0;
            for (int at = 0; at + StripeWords.BYTES <= words.length; at += StripeWords.BYTES) {
                sum += Words.plain(words, at + StripeWords.LIVE_COUNT);
            }
            return words.length < bytes || sum < 0 ? OptionalLong.empty() : OptionalLong.of(sum);
        }
    }
}
