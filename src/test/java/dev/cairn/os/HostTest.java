package dev.cairn.os;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteOrder;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Attacks what the host decides: processors and file systems that are refused, and files that are
 * made with or without permissions.
 */
class HostTest {
    private static final byte[] CONTENT = {1, 2, 3};
    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rw-------");
    private static final int MAKERS = 8;

    @TempDir Path directory;

    @Test
    void aBigEndianProcessorIsRefused() {
        Path file = Path.of("a.cairn");
        Host.requireLittleEndian(file, ByteOrder.LITTLE_ENDIAN);
        assertThatThrownBy(() -> Host.requireLittleEndian(file, ByteOrder.BIG_ENDIAN))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("a.cairn: expected a little-endian processor")
                .hasMessageContaining(System.getProperty("os.arch"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"nfs", "NFS4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "lustre"})
    void fileSystemsOfOtherHostsAreRefused(String type) {
        assertThat(Host.isNetwork(type)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "apfs", "NTFS", ""})
    void localOnesAreNot(String type) {
        assertThat(Host.isNetwork(type)).isFalse();
    }

    /** The file system has no users, permissions or hard links. */
    @Test
    void filesAreMadeWhereThereAreNoPermissions() throws IOException {
        URI archive = URI.create("jar:" + directory.resolve("a.zip").toUri());
        try (FileSystem plain = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
            Path file = plain.getPath("/store");
            Host.create(file, CONTENT, OWNER_ONLY);
            assertThat(Files.readAllBytes(file)).isEqualTo(CONTENT);
            assertThatThrownBy(() -> Host.create(file, CONTENT, OWNER_ONLY))
                    .isInstanceOf(FileAlreadyExistsException.class);
            Path lock = plain.getPath("/store-lock");
            Host.createIfAbsent(lock, Access.of(OWNER_ONLY));
            Host.createIfAbsent(lock, Access.like(file));
            assertThat(lock).isEmptyFile();
            try (Stream<Path> all = Files.list(plain.getPath("/"))) {
                assertThat(all).hasSize(2);
            }
        }
    }

    @Test
    void ofSeveralWhoMakeAFileAllHaveTheSame() throws Exception {
        Path file = directory.resolve("a-lock");
        try (ExecutorService many = Executors.newFixedThreadPool(MAKERS)) {
            List<Callable<Object>> makers =
                    Collections.nCopies(
                            MAKERS,
                            () -> {
                                Host.createIfAbsent(file, Access.of(OWNER_ONLY));
                                return Host.inode(file);
                            });
            Set<Object> inodes = new HashSet<>();
            for (Future<Object> made : many.invokeAll(makers)) {
                inodes.add(made.get());
            }
            assertThat(inodes).hasSize(1);
        }
        assertThat(Host.links(file)).isOne();
        try (Stream<Path> all = Files.list(directory)) {
            assertThat(all).containsExactly(file);
        }
    }

    @Test
    void missingDirectoryIsTold() {
        Path file = directory.resolve("none").resolve("a-lock");
        assertThatThrownBy(() -> Host.createIfAbsent(file, Access.of(OWNER_ONLY)))
                .isInstanceOf(NoSuchFileException.class);
    }
}
