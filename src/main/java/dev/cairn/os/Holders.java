package dev.cairn.os;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Finds the processes that have a file open, as far as the system shows their descriptors to this
 * user. It may not show those of other users and of other containers.
 */
public final class Holders {
    private static final Path PROC = Path.of("/proc");
    private static final String NUMBERS = "[0-9]*";

    private Holders() {}

    /**
     * The process IDs of the processes that have one of the files open, possibly including this
     * one.
     */
    public static SortedSet<Long> of(Set<FileIdentity> files) {
        SortedSet<Long> holders = new TreeSet<>();
        if (files.isEmpty()) {
            return holders;
        }
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, NUMBERS)) {
            for (Path process : processes) {
                if (holds(process, files)) {
                    holders.add(Long.valueOf(process.getFileName().toString()));
                }
            }
        } catch (IOException | DirectoryIteratorException _) {
            // a system without /proc shows nobody
        }
        return holders;
    }

    private static boolean holds(Path process, Set<FileIdentity> files) {
        try (DirectoryStream<Path> descriptors =
                Files.newDirectoryStream(process.resolve("fd"), NUMBERS)) {
            for (Path descriptor : descriptors) {
                if (isOne(descriptor, files)) {
                    return true;
                }
            }
        } catch (IOException | DirectoryIteratorException _) {
            // the process ended, or is not shown to this user
        }
        return false;
    }

    private static boolean isOne(Path descriptor, Set<FileIdentity> files) {
        try {
            return files.contains(FileIdentity.of(descriptor));
        } catch (IOException _) {
            return false; // closed meanwhile
        }
    }
}
