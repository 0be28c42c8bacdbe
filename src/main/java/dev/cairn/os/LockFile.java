package dev.cairn.os;

import java.io.IOException;

/** An open lock file, in one of the two ways in which locks on its bytes may be owned. */
sealed interface LockFile permits ChannelLocks, DescriptorLocks {
    /** Tries once for a lock. */
    KernelLocks.Attempt attempt(long at, long length, boolean shared) throws IOException;

    /**
     * Whether somebody else has a lock there, be it shared. Where the kernel cannot be asked, a lock is
     * tried for and given back; by a file that was opened for reading, shared ones are not seen then.
     */
    boolean isLocked(long at, long length) throws IOException;

    /** Which file it is. */
    FileIdentity identity();

    /** One user less. The last user's file is closed then or, while anybody opens the store, later. */
    void leave() throws IOException;
}
