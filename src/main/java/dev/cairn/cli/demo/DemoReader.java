package dev.cairn.cli.demo;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Looks up random entries and compares what it finds with the file itself. An entry must be found
 * if a writer has acknowledged it, or if it was found once.
 */
final class DemoReader {
    private final DemoSource source;
    private final int shares;
    private final Parent parent;
    private final AtomicIntegerArray acknowledged;
    private final BitSet found = new BitSet();
    private final SplittableRandom random = new SplittableRandom();
    private final Operations operations = new Operations();

    DemoReader(DemoSource source, int shares, Parent parent) {
        this.source = source;
        this.shares = shares;
        this.parent = parent;
        acknowledged = new AtomicIntegerArray(shares);
    }

    void run(Path file) throws IOException {
        parent.listen(this::acknowledge);
        try (CairnStore store = Cairn.open(file)) {
            long compared = 0;
            while (!parent.stopped()) {
                compared += lookUp(store, random.nextInt(source.size())) ? 1 : 0;
            }
            operations.say(parent);
            parent.say("compared " + compared);
        }
    }

    /** {@code ack SHARE COUNT}: the first entries of a share are written. */
    private void acknowledge(String line) {
        String[] words = line.split(" ", -1);
        acknowledged.set(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
    }

    /** Looks an entry up; returns whether there was a value to compare. */
    private boolean lookUp(CairnStore store, int index) throws IOException {
        int share = Share.numberOf(index, shares);
        boolean written =
                found.get(index) || Share.positionOf(index, shares) < acknowledged.get(share);
        byte[] key = source.key(index);
        long begin = System.nanoTime();
        byte[] value = store.get(key);
        operations.record(begin, System.nanoTime());
        if (value == null) {
            if (written) {
                parent.say("wrong " + source.name(index) + ": written, but not found");
            }
            return false;
        }
        if (!Arrays.equals(value, source.bytes(index))) {
            parent.say("wrong " + source.name(index) + ": found with other bytes");
        }
        found.set(index);
        return true;
    }
}
