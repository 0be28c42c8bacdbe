package dev.cairn.bench.messages;

import java.util.Arrays;

/** Who sends, and when. */
enum Direction {
    /** The first process sends as fast as the second one takes. */
    ONE_WAY("one-way"),
    /** Each message is answered by one of the same length before the next is sent. */
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
