package dev.cairn;

/** How often a test repeats what it does: a few times, or many times with the profile soak. */
public final class Rounds {
    private static final boolean SOAK = Boolean.getBoolean("cairn.soak");

    private Rounds() {}

    /**
     * One of two numbers of rounds.
     *
     * @param few for {@code mvn verify}
     * @param many for {@code mvn verify -Psoak}
     */
    public static int of(int few, int many) {
        return SOAK ? many : few;
    }
}
