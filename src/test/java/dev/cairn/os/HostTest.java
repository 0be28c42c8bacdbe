package dev.cairn.os;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostTest {
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
}
