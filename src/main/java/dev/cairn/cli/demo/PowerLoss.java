package dev.cairn.cli.demo;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/*
 * Words     Bytes of the data file that were forced are on the disk. Of what was stored since, the
 *           operating system may have written any page, whole or in part, at any time and in any
 *           order; of an aligned word of eight bytes the disk holds the old or the new.
 * Steps     remember: copy what was forced, while nobody writes; what cleaning in the background
 *                     stores meanwhile counts as written
 *           strike:   each page that differs stays as it was, is as it became, or is mixed word by
 *                     word; the file has the old length or the new
 * The shared-memory file is not there at all: after a power failure none of it counts.
 */
/** Turns a data file into what a disk may hold after a power failure. */
final class PowerLoss {
    private static final int PAGE_BYTES = 4096;
    private static final int STEP_BYTES = 256 * PAGE_BYTES;

    private static final Fate[] FATES = Fate.values();

    private final Path disk;
    private final SplittableRandom random;
    private long differing;
    private long written;

    /** What becomes of a page. */
    private enum Fate {
        STAYS,
        WRITTEN,
        MIXED
    }

    /**
     * What happened to the words that were stored after the force.
     *
     * @param differing how many differed from what was forced
     * @param written how many of these reached the disk
     */
    record Outcome(long differing, long written) {}

    private PowerLoss(Path disk, long seed) {
        this.disk = disk;
        this.random = new SplittableRandom(seed);
    }

    /** Keeps what a data file holds right after it was forced. */
    static void remember(Path forced, Path disk) throws IOException {
        Files.copy(forced, disk);
    }

    /**
     * Simulates the power failure.
     *
     * @param memory the data file as its processes saw it last
     * @param disk what {@link #remember} kept; becomes what the disk may hold
     */
    static Outcome strike(Path memory, Path disk, long seed) throws IOException {
        PowerLoss loss = new PowerLoss(disk, seed);
        loss.strike(memory);
        return new Outcome(loss.differing, loss.written);
    }

    private void strike(Path from) throws IOException {
        try (RandomAccessFile memory = new RandomAccessFile(from.toFile(), "r");
                RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
            long longest = Math.max(file.length(), memory.length());
            long kept = random.nextBoolean() ? longest : file.length();
            file.setLength(longest);
            byte[] now = new byte[STEP_BYTES];
            byte[] then = new byte[STEP_BYTES];
            for (long at = 0; at < memory.length(); at += STEP_BYTES) {
                int count = (int) Math.min(STEP_BYTES, memory.length() - at);
                memory.seek(at);
                memory.readFully(now, 0, count);
                file.seek(at);
                file.readFully(then, 0, count);
                for (int page = 0; page < count; page += PAGE_BYTES) {
                    int end = Math.min(page + PAGE_BYTES, count);
                    if (!Arrays.equals(now, page, end, then, page, end)) {
                        mix(words(now, page, end), words(then, page, end), kept - at - page);
                        file.seek(at + page);
                        file.write(then, page, end - page);
                    }
                }
            }
            file.setLength(kept);
        }
    }

    private static LongBuffer words(byte[] bytes, int from, int to) {
        return ByteBuffer.wrap(bytes, from, to - from).slice().asLongBuffer();
    }

    /**
     * Puts into {@code then} what reaches the disk of {@code now}.
     *
     * @param fileEnd the end of the file, in bytes from the start of the page
     */
    private void mix(LongBuffer now, LongBuffer then, long fileEnd) {
        Fate fate = FATES[random.nextInt(FATES.length)];
        for (int word = 0; word < now.limit(); word++) {
            if (now.get(word) == then.get(word)) {
                continue;
            }
            differing++;
            boolean reaches =
                    switch (fate) {
                        case STAYS -> false;
                        case WRITTEN -> true;
                        case MIXED -> random.nextBoolean();
                    };
            if (reaches && (long) word * Long.BYTES < fileEnd) {
                then.put(word, now.get(word));
                written++;
            }
        }
    }
}
