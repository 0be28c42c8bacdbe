package dev.cairn;

import java.util.Random;

/**
 * The one number from which everything random in a test class follows. It is printed and can be set
 * again.
 */
public final class Seed {
    private static final String PROPERTY = "cairn.seed";

    private Seed() {}

    /** A generator. Its seed is printed with the command that sets it again. */
    public static Random random(Class<?> test) {
        long seed = Long.getLong(PROPERTY, System.nanoTime() & 0xFFFF_FFFFL);
        System.out.printf(
                "%s: seed %d; again: mvn test -Dtest=%s -D%s=%d%n",
                test.getSimpleName(), seed, test.getSimpleName(), PROPERTY, seed);
        return new Random(seed);
    }
}
