package dev.cairn;

/**
 * When a write is safe from power loss.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="durability"}
 */
public enum Durability {
    /** At checkpoints: a power failure rolls the store back to exactly the last completed one. */
    CHECKPOINT,
    /**
     * When it returns: each write waits for a checkpoint, which the writes of all threads and
     * processes share. A choice of whoever opens the store; its file is one of {@link #CHECKPOINT}.
     */
    EACH_WRITE,
    /**
     * Never: the store is shared memory only, and its space is reused as soon as it is free. A
     * property of the file, fixed when it is created.
     */
    NONE
}
