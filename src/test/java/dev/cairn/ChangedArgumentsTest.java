package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Attacks the promise that a caller who changes its arrays during a write loses its own value at
 * most. What is stored must have a right checksum and lie where its key belongs.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChangedArgumentsTest {
    private static final int WRITES = 300;

    @TempDir Path directory;

    @AfterEach
    void stopListening() {
        Steps.listen(null);
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /** The lengths make a record, a value in pieces, a value in a run, and a key in a run. */
    @ParameterizedTest
    @CsvSource({"16, 100", "16, 20000", "16, 300000", "40000, 100", "40000, 300000"})
    void arraysThatAnotherThreadChanges(int keyLength, int valueLength) throws Exception {
        byte[] key = new byte[keyLength];
        byte[] value = new byte[valueLength];
        Thread changing =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            for (byte with = 0; !Thread.currentThread().isInterrupted(); with++) {
                                Arrays.fill(value, with);
                                key[keyLength - 1] = (byte) (with & 3);
                                key[0] = (byte) (with & 3);
                            }
                        });
        try (CairnStore store = Cairn.open(file())) {
            for (int i = 0; i < WRITES; i++) {
                switch (i % 3) {
                    case 0 -> store.put(key, value);
                    case 1 -> {
                        store.remove(key);
                        long _ = store.putIfAbsent(key, value);
                    }
                    default -> {
                        Versioned seen = store.getVersioned(key);
                        boolean _ = seen != null && store.replace(key, seen.version(), value) != 0;
                    }
                }
            }
            changing.interrupt();
            changing.join();
            assertThat(store.verify().damages()).isEmpty();
            store.checkpoint();
        }
        Files.delete(directory.resolve("store.cairn-shm")); // so that the log is read again
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.verify().damages()).isEmpty();
            store.forEach((k, v) -> {
                assertThat(k).hasSize(keyLength);
                assertThat(v).hasSize(valueLength);
                assertThat(store.get(k)).isEqualTo(v);
            });
        }
    }

    /** The key changes at each step of a write. The entry must have the key as it was given. */
    @Test
    void aKeyThatChangesAtAnyStepIsStoredAsItWas() {
        try (CairnStore store = Cairn.open(file())) {
            for (String step : new String[] {"W2", "W3", "W4", "W5", "W9"}) {
                byte[] key = ("key " + step).getBytes(java.nio.charset.StandardCharsets.UTF_8);
                byte[] given = key.clone();
                Steps.listen(reached -> {
                    if (reached.equals(step)) {
                        key[0] = 1;
                    }
                });
                store.put(key, new byte[] {1});
                Steps.listen(null);
                assertThat(key).as(step).isNotEqualTo(given);
                assertThat(store.get(given)).as(step).containsExactly(1);
                assertThat(store.get(key)).as(step).isNull();
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }
}
