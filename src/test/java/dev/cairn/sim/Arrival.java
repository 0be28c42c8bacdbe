package dev.cairn.sim;

/** Which of the bytes that were not forced reach the disk before the power fails. */
enum Arrival {
    /** None of them. */
    NOTHING,
    /** All of them. */
    EVERYTHING,
    /** Some whole pages, each as it was at any time since its last force. */
    PAGES,
    /** Some sectors of 512 bytes, each as it was at any time since its last force. */
    SECTORS,
    /** Each word of 8 bytes by itself, with any value that it had since its last force. */
    WORDS
}
