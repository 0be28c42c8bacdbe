package dev.cairn.cli.demo;

import dev.cairn.cli.Failure;
import dev.cairn.cli.demo.Operations.Slow;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** One child's part in the demo, and what the child has said about it. */
final class Part {
    private final ChildProcess child;
    private final Role role;
    private final int share;
    private final List<Slow> slow = new ArrayList<>();
    private @Nullable Figures figures;
    private long takeovers;
    private long compared;
    private long inspected = -1;
    private long rewritten;
    private Changes changes = new Changes(0, 0, 0);
    private volatile boolean killed;
    private boolean ended;

    enum Role {
        WRITER,
        READER,
        REWRITER;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The figures of all operations; times in nanoseconds. */
    record Figures(long operations, long elapsed, long p50, long p99, long p999, long longest) {}

    /** Entries that a rewriter changed after the checkpoint. */
    record Changes(long overwritten, long removed, long added) {
        Changes plus(Changes other) {
            return new Changes(
                    overwritten + other.overwritten, removed + other.removed, added + other.added);
        }
    }

    /**
     * @param share the share of a writer or rewriter; meaningless for a reader
     */
    Part(ChildProcess child, Role role, int share) {
        this.child = child;
        this.role = role;
        this.share = share;
    }

    ChildProcess child() {
        return child;
    }

    Role role() {
        return role;
    }

    int share() {
        return share;
    }

    /** The figures; null if the child has not reported them, or was killed before. */
    @Nullable Figures figures() {
        return figures;
    }

    long takeovers() {
        return takeovers;
    }

    /** How many values a reader has compared with the files. */
    long compared() {
        return compared;
    }

    /** How many entries of its predecessor a writer has looked at; -1 until it has. */
    long inspected() {
        return inspected;
    }

    /** How many entries a rewriter wrote before the checkpoint. */
    long rewritten() {
        return rewritten;
    }

    /** The changes that the rewriter reported last. */
    Changes changes() {
        return changes;
    }

    boolean ended() {
        return ended;
    }

    void kill() {
        killed = true;
        child.kill();
    }

    /** Takes in what the child says about itself at its end. */
    void hear(String word, String rest) {
        switch (word) {
            case "slow" -> {
                long[] numbers = numbers(rest, 2);
                slow.add(new Slow(numbers[0], numbers[1]));
            }
            case "operations" -> {
                long[] n = numbers(rest, 6);
                figures = new Figures(n[0], n[1], n[2], n[3], n[4], n[5]);
            }
            case "takeovers" -> takeovers = numbers(rest, 1)[0];
            case "inspected" -> inspected = numbers(rest, 1)[0];
            case "written" -> rewritten = numbers(rest, 1)[0];
            case "changed" -> {
                long[] n = numbers(rest, 3);
                changes = new Changes(n[0], n[1], n[2]);
            }
            case "compared" -> compared = numbers(rest, 1)[0];
            default -> throw new Failure(child.name() + " said '" + word + "': no such word");
        }
    }

    void hearEnd(int exitCode) {
        ended = true;
        if (exitCode != 0 && !killed) {
            throw new Failure(
                    "%s (process %d) ended with exit code %d"
                            .formatted(child.name(), child.pid(), exitCode));
        }
    }

    /**
     * The longest operation that was under way at that moment or began later; 0 if none was slow.
     */
    long longestSince(long micros) {
        return slow.stream()
                .filter(s -> !s.endedBefore(micros))
                .mapToLong(Slow::nanos)
                .max()
                .orElse(0);
    }

    private static long[] numbers(String rest, int count) {
        String[] words = rest.split(" ", -1);
        if (words.length != count) {
            throw new Failure("a child said '" + rest + "', expected " + count + " numbers");
        }
        long[] numbers = new long[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = Long.parseLong(words[i]);
        }
        return numbers;
    }
}
