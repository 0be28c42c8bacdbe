package dev.cairn;

/** When a write is safe from power loss: a property of the file, fixed when it is created. */
public enum Durability {
    /** At checkpoints: a power failure rolls the store back to exactly the last completed one. */
    CHECKPOINT,
    /** Never: the store is shared memory only, and its space is reused as soon as it is free. */
    NONE
}
