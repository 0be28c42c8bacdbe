package dev.cairn.bench.messages;

import java.util.Arrays;

/** Who sends. */
enum Direction {
    /** The first process sends as fast as the second one takes. */
    ONE_WAY("one-way"),
    /** Each message is answered by one as long before the next is sent. */
    PING_PONG("ping-pong");

    private final String text;

    Direction(String text) {
        this.text = text;
    }

    static Direction of(String text) {
        return Arrays.stream(values())
                .filter(each -> each.text.equals(text))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "no direction, one-way or ping-pong: " + text));
    }

    @Override
    public String toString() {
        return text;
    }
}
