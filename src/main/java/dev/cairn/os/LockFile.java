package dev.cairn.os;

import java.io.IOException;

/** An open lock file, in one of the two ways in which locks on its bytes can be owned. */
sealed interface LockFile permits ChannelLocks, DescriptorLocks {
    /** Tries once for a lock. */
    KernelLocks.Attempt attempt(long at, long length, boolean shared) throws IOException;

    /**
     * Whether another user has a lock there, even a shared one. If the kernel cannot be asked, it
     * tries for a lock and releases it; if the file was opened for reading, it does not see shared
     * locks then.
     */
    boolean isLocked(long at, long length) throws IOException;

    /** The identity of the file. */
    FileIdentity identity();

    /**
     * Removes one user. When the last user leaves, the file is closed, or later if a process is
     * opening the store.
     */
    void leave() throws IOException;
}
