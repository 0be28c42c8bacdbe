package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Attacks the options: each change keeps the others, equality looks at all of them, and wrong ones
 * are refused.
 */
class OptionsTest {
    private static final Options DEFAULTS = Options.defaults();

    /** Each of these changes one option, and together they change every option. */
    private static final List<UnaryOperator<Options>> CHANGES =
            List.of(
                    options -> options.withMaxBytes(1 << 20),
                    options -> options.withStripes(8),
                    options -> options.withDurability(Durability.EACH_WRITE),
                    options -> options.withCheckpointEvery(Duration.ofMillis(1500)),
                    options -> options.withReadOnly(true),
                    options -> options.withLockTimeout(Duration.ofSeconds(90)),
                    options ->
                            options.withPermissions(PosixFilePermissions.fromString("rw-rw-r--")),
                    options -> options.withDefaultTimeToLive(Duration.ofHours(2)),
                    options -> options.withSpinning(Duration.ofMillis(3)));

    private static Options allChanged() {
        Options options = DEFAULTS;
        for (UnaryOperator<Options> change : CHANGES) {
            options = change.apply(options);
        }
        return options;
    }

    @Test
    void eachChangeIsKeptByTheOthers() {
        Options options = allChanged();

        assertThat(options.maxBytes()).isEqualTo(1 << 20);
        assertThat(options.stripes()).isEqualTo(8);
        assertThat(options.durability()).isEqualTo(Durability.EACH_WRITE);
        assertThat(options.checkpointEvery()).isEqualTo(Duration.ofMillis(1500));
        assertThat(options.readOnly()).isTrue();
        assertThat(options.lockTimeout()).isEqualTo(Duration.ofSeconds(90));
        assertThat(options.permissions()).isEqualTo(PosixFilePermissions.fromString("rw-rw-r--"));
        assertThat(options.defaultTimeToLive()).isEqualTo(Duration.ofHours(2));
        assertThat(options.spinning()).isEqualTo(Duration.ofMillis(3));
    }

    @Test
    void optionsAreEqualIfAllOfThemAre() {
        assertThat(allChanged()).isEqualTo(allChanged()).hasSameHashCodeAs(allChanged());
        assertThat(DEFAULTS.withStripes(8).withStripes(64))
                .isEqualTo(DEFAULTS)
                .hasSameHashCodeAs(DEFAULTS);
        for (UnaryOperator<Options> change : CHANGES) {
            assertThat(change.apply(DEFAULTS))
                    .isNotEqualTo(DEFAULTS)
                    .doesNotHaveToString(DEFAULTS.toString());
        }
        assertThat(DEFAULTS).isNotEqualTo(null).isNotEqualTo("no options");
    }

    @Test
    void optionsAreReadByPeople() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.GERMANY);
            assertThat(DEFAULTS)
                    .hasToString(
                            "no bound, stripes 64, durability CHECKPOINT, a checkpoint every 1s,"
                                    + " reading and writing, lock timeout 10s, permissions rw-------,"
                                    + " no time to live");
            assertThat(allChanged())
                    .hasToString(
                            "1,048,576 bytes at most, stripes 8, durability EACH_WRITE, a checkpoint"
                                    + " every 1.5s, read-only, lock timeout 1m30s, permissions"
                                    + " rw-rw-r--, time to live 2h, spinning 0.003s");
            assertThat(DEFAULTS.withManualCheckpoints())
                    .asString()
                    .contains(", manual checkpoints, ");
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void whatTheCallerChangesLaterDoesNotCount() {
        Set<PosixFilePermission> permissions = new HashSet<>(DEFAULTS.permissions());
        Options options = DEFAULTS.withPermissions(permissions);
        permissions.clear();

        assertThat(options).isEqualTo(DEFAULTS);
    }

    @Test
    void rollbackMeansManualCheckpointsAndEndsWithAPeriod() {
        assertThat(DEFAULTS.withRollback().checkpointEvery()).isNull();
        assertThat(DEFAULTS.withRollback().rollback()).isTrue();
        assertThat(DEFAULTS.withRollback()).isNotEqualTo(DEFAULTS.withManualCheckpoints());
        assertThat(DEFAULTS.withRollback().withManualCheckpoints())
                .isEqualTo(DEFAULTS.withManualCheckpoints());
        assertThat(DEFAULTS.withRollback().withCheckpointEvery(Duration.ofSeconds(1)))
                .isEqualTo(DEFAULTS);
        assertThat(DEFAULTS.withRollback())
                .hasToString(
                        DEFAULTS.withManualCheckpoints()
                                .toString()
                                .replace("manual checkpoints", "manual checkpoints with rollback"));
    }

    @Test
    void rollbackGoesNeitherWithOtherDurabilityNorWithEviction() {
        for (Durability other : List.of(Durability.NONE, Durability.EACH_WRITE)) {
            assertThatThrownBy(() -> DEFAULTS.withDurability(other).withRollback())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("rollback", other.name());
        }
        assertThatThrownBy(() ->
                        DEFAULTS.withMaxBytes(1L << 30)
                                .withDurability(Durability.CHECKPOINT)
                                .withEviction(true)
                                .withRollback())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("eviction");
    }
}
