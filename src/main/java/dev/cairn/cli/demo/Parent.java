package dev.cairn.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.function.Consumer;

/**
 * A child's connection to its parent: lines out on standard output, lines in on standard input. If
 * the parent is gone, the child ends at once.
 */
final class Parent {
    private static final long NOW_AND_THEN_NANOS = 200_000_000;

    private final PrintStream out;
    private long nextDue = System.nanoTime();
    private volatile boolean stopped;

    Parent(PrintStream out) {
        this.out = out;
    }

    /** Passes every line to the action, except {@code stop}, which {@link #stopped} reports. */
    void listen(Consumer<String> action) {
        Thread.ofPlatform().daemon().name("parent").start(() -> receive(action));
    }

    boolean stopped() {
        return stopped;
    }

    synchronized void say(String line) {
        out.println(line);
        out.flush();
    }

    /** Says the line, unless it has said one within the last fifth of a second. */
    void sayNowAndThen(String line) {
        long now = System.nanoTime();
        if (now - nextDue >= 0) {
            nextDue = now + NOW_AND_THEN_NANOS;
            say(line);
        }
    }

    private void receive(Consumer<String> action) {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (line.equals("stop")) {
                    stopped = true;
                } else {
                    action.accept(line);
                }
            }
        } catch (IOException e) {
            say("fault " + e);
        }
        Runtime.getRuntime().halt(1);
    }
}
