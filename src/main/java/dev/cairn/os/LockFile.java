package dev.cairn.os;

import java.io.IOException;

/** An open lock file, in one of the two ways in which locks on its bytes may be owned. */
sealed interface LockFile permits ChannelLocks, DescriptorLocks {
    /** Tries once for a lock. */
    KernelLocks.Attempt attempt(long at, long length, boolean shared) throws IOException;

    /** One user less. The last user's file is closed then or, while anybody opens the store, later. */
    void leave() throws IOException;
}
