package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.EnumSet;
import java.util.Set;

/**
 * Who may use a file. It is applied to a file that was just created and that only its owner may
 * read. So the process's umask removes nothing, and nobody sees the file before its access is
 * right.
 *
 * @param group the group; null for that of the process that creates the file
 * @param owner the owner; null for the process that creates the file
 */
public record Access(
        Set<PosixFilePermission> permissions,
        @Nullable GroupPrincipal group,
        @Nullable UserPrincipal owner) {
    private interface Change {
        void make() throws IOException;
    }

    public static Access of(Set<PosixFilePermission> permissions) {
        return new Access(permissions, null, null);
    }

    /** The access of another file; if the system does not tell it, access for nobody. */
    public static Access like(Path file) throws IOException {
        PosixFileAttributeView view = view(file);
        if (view == null) {
            return of(Set.of());
        }
        PosixFileAttributes its = view.readAttributes();
        return new Access(its.permissions(), its.group(), its.owner());
    }

    private static @Nullable PosixFileAttributeView view(Path file) {
        return Files.getFileAttributeView(file, PosixFileAttributeView.class);
    }

    /**
     * Applies the access to a file that this process created, as far as the system allows: only the
     * superuser may give a file away, and some file systems keep no permissions. If the group
     * cannot be set, its members get what everybody gets.
     */
    void give(Path file) throws IOException {
        PosixFileAttributeView view = view(file);
        if (view == null) {
            return;
        }
        PosixFileAttributes its = view.readAttributes();
        GroupPrincipal newGroup = group;
        boolean grouped =
                newGroup == null
                        || newGroup.equals(its.group())
                        || isLetTo(() -> view.setGroup(newGroup));
        Set<PosixFilePermission> given = grouped ? permissions : withoutGroup();
        if (!given.equals(its.permissions())) {
            boolean _ = isLetTo(() -> view.setPermissions(given));
        }
        UserPrincipal newOwner = owner;
        if (newOwner != null && !newOwner.equals(its.owner())) {
            boolean _ = isLetTo(() -> view.setOwner(newOwner));
        }
    }

    /**
     * Makes a change that the system may refuse to this user, or on this file system; returns
     * whether it was made.
     */
    private static boolean isLetTo(Change change) throws IOException {
        try {
            change.make();
            return true;
        } catch (FileSystemException _) {
            return false;
        }
    }

    private Set<PosixFilePermission> withoutGroup() {
        Set<PosixFilePermission> without = EnumSet.noneOf(PosixFilePermission.class);
        without.addAll(permissions);
        keepAsOthers(without, PosixFilePermission.GROUP_READ, PosixFilePermission.OTHERS_READ);
        keepAsOthers(without, PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);
        keepAsOthers(
                without, PosixFilePermission.GROUP_EXECUTE, PosixFilePermission.OTHERS_EXECUTE);
        return without;
    }

    private static void keepAsOthers(
            Set<PosixFilePermission> of, PosixFilePermission group, PosixFilePermission others) {
        if (!of.contains(others)) {
            of.remove(group);
        }
    }
}
