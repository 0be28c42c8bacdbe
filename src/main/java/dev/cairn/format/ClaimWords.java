package dev.cairn.format;

/**
 * A bucket of claims. A claim is on the hash of a key that one process loads.
 *
 * <pre>
 *   0  lock word, under which claims are made
 *  64  28 claims: {hash, owner}
 * </pre>
 */
public final class ClaimWords {
    public static final int LOCK = 0;
    public static final int CLAIMS = 64;
    public static final int BYTES = 512;

    public static final int HASH = 0;
    public static final int OWNER = 8;
    public static final int CLAIM_BYTES = 16;

    /** The number of claims in a bucket. */
    public static final int COUNT = (BYTES - CLAIMS) / CLAIM_BYTES;

    private ClaimWords() {}
}
