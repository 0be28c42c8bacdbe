package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.format.RecordLayout;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Attacks stores that were damaged after their records were overwritten in place. No older value
 * may be taken for the newest.
 */
class OverwrittenDamageTest {
    private static final Options MANUAL = Options.defaults().withStripes(1).withManualCheckpoints();

    @TempDir Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    @AfterEach
    void usual() {
        scale.close();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private int placeOf(String text) throws IOException {
        String file = new String(Files.readAllBytes(file()), ISO_8859_1);
        int at = file.indexOf(text);
        assertThat(at).isPositive();
        return at;
    }

    private void store(long at, byte[] bytes) throws IOException {
        try (RandomAccessFile out = new RandomAccessFile(file().toFile(), "rw")) {
            out.seek(at);
            out.write(bytes);
        }
    }

    /**
     * Versions do not grow along a log that was overwritten in place (RULE 38). No version is
     * missing between those on both sides of the damage, and yet a newer record was destroyed
     * there.
     */
    @Test
    void anOlderValueIsNotSalvagedForCertain() throws IOException {
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            store.put(bytes("hidden"), bytes("old"));
            store.put(bytes("changed"), bytes("1"));
            store.put(bytes("hidden"), bytes("the newer value, which is longer, and so appended"));
            store.put(bytes("changed"), bytes("2"));
            store.put(bytes("last"), bytes("3"));
            assertThat(store.stats().overwritesInPlace()).isEqualTo(1);
        }
        Files.delete(directory.resolve("store.cairn-shm"));
        store(placeOf("the newer value"), bytes("THE"));
        Path target = directory.resolve("target.cairn");

        Salvage found = Cairn.salvage(file(), target, true, (_, _) -> {});

        assertThat(found.uncertain()).isPositive();
        try (CairnStore store = Cairn.open(target)) {
            assertThat(store.get(bytes("hidden"))).isNull();
            assertThat(store.get(bytes("last"))).isEqualTo(bytes("3"));
        }
    }

    /**
     * If the kernel drops a page, an older record may be back in the same place, with a right
     * checksum (RULE 35). The count in the slot word tells readers, and those who would copy the
     * record.
     */
    @Test
    void anOlderRecordInTheSamePlaceIsNotTakenForTheNewer() throws IOException {
        byte[] key = bytes("the key of it");
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            store.put(key, bytes("value 1"));
            store.put(key, bytes("value 2"));
            int at = placeOf("the key of it" + "value 2") - RecordLayout.HEADER_BYTES;
            byte[] older =
                    Arrays.copyOfRange(
                            Files.readAllBytes(file()), at, at + RecordLayout.MIN_BYTES + 16);
            store.put(key, bytes("value 3"));
            assertThat(store.stats().overwritesInPlace()).isEqualTo(2);
            store(at, older);
            isTold(store, key);
            for (int i = 0; i < 2000; i++) { // until cleaning comes to its region
                store.put(bytes("other" + i % 50), new byte[100 + i % 16 * 16]);
            }
            store.compact();
            isTold(store, key);
            assertThat(store.verify().damages()).isNotEmpty();
        }
    }

    /**
     * Requires that damage is reported both to those who read the value and to those who ask for
     * the version alone, as near caches do.
     */
    private static void isTold(CairnStore store, byte[] key) {
        List<ThrowingCallable> reads =
                List.of(
                        () -> store.get(key),
                        () -> store.version(key),
                        () -> store.containsKey(key),
                        () -> store.forEach((_, _) -> {}));
        for (ThrowingCallable read : reads) {
            assertThatThrownBy(read)
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("overwritten 2 times, as its slot word says");
        }
    }
}
