package dev.cairn.index;

import dev.cairn.format.BucketWords;
import dev.cairn.format.DataHeader;
import dev.cairn.format.HashBits;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The tables of a store as its files hold them, and how many of their lines a lookup reads. */
public final class TableImage {
    private final byte[] shared;
    private final KeyHash hash;
    private final int stripesLog2;

    public TableImage(Path store) throws IOException {
        byte[] data = Files.readAllBytes(store);
        DataHeader header = DataHeader.decode(store, Arrays.copyOf(data, DataHeader.BLOCK_BYTES));
        hash = new KeyHash(header.hashSeed());
        stripesLog2 = Integer.numberOfTrailingZeros(header.stripes());
        shared = Files.readAllBytes(store.resolveSibling(store.getFileName() + "-shm"));
    }

    private long table(int stripe) {
        return Words.plain(shared, (int) SharedLayout.stripeAt(stripe) + StripeWords.TABLE);
    }

    private interface Visitor {
        void bucket(int at);
    }

    private void forEachBucket(Visitor visitor) {
        for (int stripe = 0; stripe < 1 << stripesLog2; stripe++) {
            long table = table(stripe);
            for (long bucket = 0; bucket < 1L << TableWord.log2(table); bucket++) {
                visitor.bucket((int) (TableWord.offset(table) + bucket * BucketWords.BYTES));
            }
        }
    }

    /** How many buckets were passed by entries. */
    public int overflowing() {
        int[] count = new int[1];
        forEachBucket(at -> count[0] += BucketWords.overflow(Words.plain(shared, at)) == 0 ? 0 : 1);
        return count[0];
    }

    /**
     * Makes every bucket say that entries passed it, which is what churn does to a table that
     * forgets nothing.
     */
    void overflowEverywhere() {
        forEachBucket(at ->
                Words.setPlain(
                        shared,
                        at,
                        BucketWords.withOverflow(
                                Words.plain(shared, at), BucketWords.MAX_OVERFLOW)));
    }

    /** The share of the slots that are taken. */
    double load() {
        long[] slots = new long[2];
        forEachBucket(at -> {
            for (int i = 0; i < BucketWords.SLOTS; i++) {
                slots[0]++;
                slots[1] += slot(at, i) == 0 ? 0 : 1;
            }
        });
        return (double) slots[1] / slots[0];
    }

    private long slot(int bucketAt, int number) {
        return Words.plain(shared, bucketAt + BucketWords.FIRST_SLOT + number * Long.BYTES);
    }

    /**
     * How many bucket lines a lookup of the key reads. This is the algorithm of Index.find, written
     * once more.
     */
    int lines(byte[] key) {
        long hashed = hash.of(key);
        long table = table(HashBits.stripe(hashed, stripesLog2));
        int log2 = TableWord.log2(table);
        long rest = HashBits.rest(hashed, stripesLog2);
        long tag = HashBits.tag(hashed);
        long bucket = HashBits.home(rest, log2);
        for (int lines = 1; ; lines++) {
            int at = (int) (TableWord.offset(table) + bucket * BucketWords.BYTES);
            long meta = Words.plain(shared, at);
            for (int i = 0; i < BucketWords.SLOTS; i++) {
                long slot = slot(at, i);
                if (BucketWords.tag(meta, i) == tag
                        && slot != 0
                        && SlotWord.hashBits(slot) == HashBits.prefix(rest)) {
                    return lines;
                }
            }
            if (BucketWords.overflow(meta) == 0 || lines == Index.maxWalk(log2)) {
                return lines;
            }
            bucket = bucket + HashBits.stride(tag) & (1L << log2) - 1;
        }
    }
}
