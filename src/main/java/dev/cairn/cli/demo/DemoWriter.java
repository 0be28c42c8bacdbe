package dev.cairn.cli.demo;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Writes its share in order, and says how much of it is written; then it repeats that until it is
 * stopped. A successor first looks at what its predecessor had said.
 */
final class DemoWriter {
    private static final int LONGEST_ACK_INTERVAL = 16;

    private final DemoSource source;
    private final Share share;
    private final Parent parent;
    private final Operations operations = new Operations();

    DemoWriter(DemoSource source, Share share, Parent parent) {
        this.source = source;
        this.share = share;
        this.parent = parent;
    }

    /**
     * @param acknowledged how many entries of the share a predecessor had said to be written
     */
    void run(Path file, int acknowledged) throws IOException {
        parent.listen(line -> {});
        try (CairnStore store = Cairn.open(file)) {
            inspect(store, acknowledged);
            write(store, acknowledged);
            operations.say(parent);
            parent.say("takeovers " + store.stats().takeovers());
        }
    }

    /** Checks that every write that returned is there, whichever process died since. */
    private void inspect(CairnStore store, int acknowledged) throws IOException {
        for (int position = 0; position < acknowledged; position++) {
            int index = share.index(position);
            byte[] value = store.get(source.key(index));
            if (value == null) {
                parent.say("wrong " + source.name(index) + ": acknowledged, but not there");
            } else if (!Arrays.equals(value, source.bytes(index))) {
                parent.say("wrong " + source.name(index) + ": acknowledged, but other bytes");
            }
            parent.sayNowAndThen("busy " + position);
        }
        parent.say("inspected " + acknowledged);
    }

    private void write(CairnStore store, int from) throws IOException {
        int interval = Math.clamp(share.size() / 20, 1, LONGEST_ACK_INTERVAL);
        for (long step = from; !parent.stopped(); step++) {
            int index = share.index((int) (step % share.size()));
            byte[] key = source.key(index);
            byte[] value = source.bytes(index);
            long begin = System.nanoTime();
            store.put(key, value);
            operations.record(begin, System.nanoTime());
            long written = step + 1;
            if (written <= share.size() && (written % interval == 0 || written == share.size())) {
                parent.say("ack " + written);
            }
        }
    }
}
