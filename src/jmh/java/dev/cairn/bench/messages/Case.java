package dev.cairn.bench.messages;

/** What is measured at a time. */
record Case(Way way, int bytes, Direction direction) {

    /** What is measured, without the way. */
    String what() {
        return size() + ", " + direction;
    }

    /** How many messages have the same number. */
    int messagesEach() {
        return direction == Direction.ONE_WAY ? 1 : 2;
    }

    String size() {
        if (bytes % (1 << 20) == 0) {
            return (bytes >> 20) + " MiB";
        }
        return bytes % (1 << 10) == 0 ? (bytes >> 10) + " KiB" : bytes + " B";
    }

    @Override
    public String toString() {
        return way.name() + ", " + what();
    }
}
