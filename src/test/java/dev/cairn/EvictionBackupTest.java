package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** A backup keeps the regions of its checkpoint; a cache goes on within the room that is left. */
class EvictionBackupTest {
    private static final long BOUND = 4L << 20;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @AfterEach
    void noListener() {
        Steps.listen(null);
    }

    private static Map<ByteBuffer, Long> versions(CairnStore store) {
        Map<ByteBuffer, Long> versions = new HashMap<>();
        store.forEach((key, _) -> versions.put(ByteBuffer.wrap(key), store.version(key)));
        return versions;
    }

    /** What is evicted while a backup copies is in the backup, as it was when that began. */
    @Test
    void backupHasWhatIsEvictedMeanwhile() {
        Options options =
                CacheModel.quiet(BOUND)
                        .withDurability(Durability.CHECKPOINT)
                        .withManualCheckpoints();
        Path target = directory.resolve("backup");
        try (CairnStore store = Cairn.open(directory.resolve("cache"), options)) {
            for (long i = 0; i < 10_000; i++) {
                store.put(Content.key(i), Content.value(i, 0, 100));
            }
            store.checkpoint();
            Map<ByteBuffer, Long> before = versions(store);
            boolean[] ran = {false};
            Steps.listen(step -> {
                if (step.equals("backup") && !ran[0]) {
                    ran[0] = true;
                    for (long i = 0; i < 100_000; i++) {
                        store.put(Content.key(1_000_000 + i), Content.value(i, 1, 100));
                    }
                }
            });
            store.backup(target);
            assertThat(ran[0]).isTrue();
            assertThat(versions(store).keySet()).doesNotContainAnyElementsOf(before.keySet());
            try (CairnStore copy = Cairn.open(target)) {
                assertThat(versions(copy)).isEqualTo(before);
                assertThat(copy.verify().damages()).isEmpty();
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }
}
