package dev.cairn;

/**
 * The moment at which a write becomes safe from power loss.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="durability"}
 */
public enum Durability {
    /**
     * Writes become safe with the next checkpoint. A power failure takes the store back to exactly
     * the last completed checkpoint.
     */
    CHECKPOINT,
    /**
     * A write is safe when it returns. Each write waits for a checkpoint, which the concurrent
     * writes of all threads and processes share. Each process chooses this when it opens the store;
     * the file itself is one of {@link #CHECKPOINT}.
     */
    EACH_WRITE,
    /**
     * Writes are never safe. The store is shared memory only, and space is reused as soon as it is
     * free. This is a property of the file and is fixed when the file is created.
     */
    NONE
}
