package dev.cairn.bench.messages;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A way to hand over messages.
 *
 * @param name the name as it was given
 * @param shared whether a store lies in shared memory rather than on disk
 * @param durable whether a store is made durable each second rather than never
 * @param spinning whether a process that waits for a store spins rather than sleeps
 * @param batch whether {@link #BATCH} messages are handed over at once
 */
record Way(
        String name, Kind kind, boolean shared, boolean durable, boolean spinning, boolean batch) {
    static final int BATCH = 32;

    /** Longer messages gain nothing by batches. */
    private static final int MOST_BATCHED_BYTES = 4096;

    enum Kind {
        PIPE,
        FIFO,
        QUEUE,
        SOCKET,
        RING,
        CAIRN;

        /** Whether the operating system hands over the messages. */
        boolean isSystems() {
            return this != RING && this != CAIRN;
        }
    }

    static final String ALL =
            "pipe,pipe-batch,fifo,queue,socket,ring,cairn-shm-spinning,cairn-shm-sleeping,"
                    + "cairn-disk-spinning,cairn-disk-sleeping,cairn-disk-durable-spinning,"
                    + "cairn-disk-durable-sleeping,cairn-shm-spinning-batch,cairn-disk-spinning-batch";

    private static final Pattern NAME =
            Pattern.compile(
                    "(queue|ring|(?:pipe|fifo|socket)(?:-batch)?"
                            + "|cairn-(?:shm|disk)(?:-durable)?-(?:spinning|sleeping)(?:-batch)?)");

    static Way of(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("\"" + name + "\" does not match " + NAME);
        }
        String kind = name.split("-", 2)[0];
        return new Way(
                name,
                Kind.valueOf(kind.toUpperCase(Locale.ROOT)),
                name.contains("-shm"),
                name.contains("-durable"),
                name.contains("-spinning"),
                name.endsWith("-batch"));
    }

    boolean isFor(int bytes, Direction direction) {
        return !batch || (direction == Direction.ONE_WAY && bytes <= MOST_BATCHED_BYTES);
    }

    int batchOf() {
        return batch ? BATCH : 1;
    }
}
