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

/** Damage in stores whose records were overwritten in place. */
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
     * Versions do not grow along a log that was overwritten in place (RULE 38): between those of what
     * lies on both sides of the damage none is missing, and yet a newer record was destroyed there.
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
     * A page that the kernel dropped may be back with an older record in the same place, and a checksum
     * that is right (RULE 35): the count in the slot word tells, to readers and to who would copy it.
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

    /** By who reads the value, and by who asks for the version alone, as near caches do. */
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
                    .hasMessageContaining("overwritten 2 times, by its slot word");
        }
    }
}
