package dev.cairn.os;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;

/** Attacks the promise that an operation begins only where the stack has room for all of it. */
class UninterruptedTest {
    private static final int ROUNDS = 50;
    private static final int CALLS = 100;
    private static final long STACK_BYTES = 256 << 10;

    /** More nested calls than an operation of a channel has. */
    private static final int DEPTH = 20;

    private int calls;
    private int overflows;
    private int begun;
    private int ended;

    @Test
    void whatBeginsEndsThoughTheStackDoes() throws Exception {
        operate(); // loads classes with stack to spare
        for (int round = 0; round < ROUNDS; round++) {
            calls = 0;
            Thread thread = new Thread(null, this::descend, "deep", STACK_BYTES + 16L * round);
            thread.start();
            thread.join();
        }
        assertThat(overflows).isGreaterThan(ROUNDS);
        assertThat(begun).isPositive();
        assertThat(ended).isEqualTo(begun);
    }

    /**
     * Operates in the innermost frames. Each of these has a little more stack than the one within.
     */
    @SuppressWarnings("InfiniteRecursion") // until the stack ends
    private void descend() {
        try {
            descend();
        } catch (StackOverflowError _) {
            overflows++;
        }
        if (calls++ < CALLS) {
            try {
                operate();
            } catch (StackOverflowError _) {
                overflows++;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    private void operate() throws IOException {
        Uninterrupted.act(() -> {
            begun++;
            ended += down(DEPTH);
        });
    }

    private static int down(int frames) {
        return frames == 0 ? 1 : down(frames - 1);
    }
}
