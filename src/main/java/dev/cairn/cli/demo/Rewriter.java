package dev.cairn.cli.demo;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;

import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;

/**
 * Rewrites its share as the second edition, waits for the checkpoint, and then overwrites, removes
 * and adds entries until it is killed. It makes no checkpoint itself.
 */
final class Rewriter {
    static final Edition EDITION = new Edition(1);

    private static final int LARGEST_NEW_BYTES = 10_000;

    private final DemoSource source;
    private final Share share;
    private final Parent parent;
    private final SplittableRandom random = new SplittableRandom();
    private long overwritten;
    private long removed;
    private long added;

    Rewriter(DemoSource source, Share share, Parent parent) {
        this.source = source;
        this.share = share;
        this.parent = parent;
    }

    void run(Path file) throws InterruptedException {
        CountDownLatch go = new CountDownLatch(1);
        parent.listen(line -> go.countDown());
        try (CairnStore store = Cairn.open(file, Options.defaults().withManualCheckpoints())) {
            rewrite(store);
            parent.say("written " + share.size());
            go.await();
            while (!parent.stopped()) {
                change(store);
                parent.sayNowAndThen("changed %d %d %d".formatted(overwritten, removed, added));
            }
        }
    }

    private void rewrite(CairnStore store) {
        for (int position = 0; position < share.size(); position++) {
            byte[] key = source.key(share.index(position));
            byte[] value = store.get(key);
            if (value == null) {
                parent.say("wrong " + source.name(share.index(position)) + ": is missing");
            } else {
                store.put(key, EDITION.of(value));
            }
            parent.sayNowAndThen("busy " + position);
        }
    }

    private void change(CairnStore store) {
        byte[] key = source.key(share.index(random.nextInt(share.size())));
        switch (random.nextInt(5)) {
            case 0 -> removed += store.remove(key) != 0 ? 1 : 0;
            case 1 -> {
                byte[] addition = new byte[key.length + Long.BYTES];
                random.nextBytes(addition);
                store.put(addition, bytes(random.nextInt(LARGEST_NEW_BYTES)));
                added++;
            }
            default -> {
                byte[] old = store.get(key);
                store.put(key, bytes(old == null ? 0 : old.length));
                overwritten++;
            }
        }
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
