package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CorruptStore;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;

/** Attacks the choice between a key that was superseded and a key that is damaged. */
class LargeKeysTest {
    private static final Path FILE = Path.of("store");

    private final LargeKeys largeKeys = new LargeKeys();

    private void saw(int keyCrc, long version, boolean gone, long offset) {
        saw(
                new RecordBytes.Run(Place.run(3, 2), 8, 1, keyCrc, 70_000, true),
                version,
                gone,
                offset);
    }

    private void saw(RecordBytes.Run run, long version, boolean gone, long offset) {
        largeKeys.saw(
                new Chain.Entry(
                        offset, 64, version, RecordLayout.PUT, new byte[0], 0, 64, 0, run, gone));
    }

    private void damageIsAt(long offset) {
        CorruptStore damage = largeKeys.damage(FILE);
        assertThat(damage).isNotNull().hasMessageContaining("store: at byte " + offset);
        assertThatThrownBy(() -> largeKeys.requireNoDamage(FILE))
                .isInstanceOf(CorruptStore.class)
                .hasMessage(damage.getMessage());
    }

    private void isNoDamage() {
        assertThat(largeKeys.damage(FILE)).isNull();
        largeKeys.requireNoDamage(FILE);
    }

    @Test
    void onlyTheNewestRecordOfAKeyMustHaveIt() {
        isNoDamage();
        saw(7, 2, true, 128);
        damageIsAt(128);
        saw(7, 3, false, 256);
        isNoDamage();
        saw(7, 1, true, 384);
        isNoDamage();
        saw(8, 1, true, 512); // another key
        damageIsAt(512);
    }

    /** Of a copy and its original, which have one version, the later one counts. */
    @Test
    void copyCountsInsteadOfItsOriginal() {
        saw(7, 2, true, 128);
        saw(7, 2, false, 256);
        isNoDamage();
        saw(7, 2, true, 384);
        damageIsAt(384);
    }

    @Test
    void keysInTheRecordAreOfNoImportance() {
        saw(null, 1, true, 128);
        saw(new RecordBytes.Run(Place.run(3, 2), 8, 1, 7, 70_000, false), 1, true, 256);
        isNoDamage();
    }
}
