package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Recovery.Kind;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Host;
import dev.cairn.os.HostClock;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * Attacks the clock by which entries expire. The wall clock is set ahead or back, for a moment or
 * for good, while the store is open and while it is not.
 */
class StoreClockTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration DAY = Duration.ofDays(1);
    private static final Duration DECADE = Duration.ofDays(3652);

    /** Nothing happens in the background, so each test decides when a checkpoint is made. */
    private static final Options MANUAL = Options.defaults().withStripes(2).withManualCheckpoints();

    private final SetClocks clocks = new SetClocks();

    @TempDir Path directory;

    @AfterEach
    void putClocksRight() {
        clocks.close();
    }

    /** How a store stops being open. */
    enum End {
        CLOSED,
        KILLED,
        /** The power is lost after a checkpoint of everything. */
        POWER_LOST;

        /** Leaves the store. Returns what is left of it, under another name. */
        Path leave(CairnStore store, Path file) throws IOException {
            Path left = file.resolveSibling(file.getFileName() + "-left");
            if (this == POWER_LOST) {
                store.put(bytes("last"), bytes("v")); // so that something is to be made durable
                long _ = store.checkpoint();
                Files.copy(file, left);
            } else if (this == KILLED) {
                Files.copy(file, left);
                byte[] shared = Files.readAllBytes(shared(file));
                Words.setPlain(shared, SharedLayout.DATA_INODE, Host.inode(left));
                Files.write(shared(left), shared);
                Files.createFile(left.resolveSibling(left.getFileName() + "-lock"));
            }
            store.close();
            return this == CLOSED ? file : left;
        }

        Kind kind() {
            return switch (this) {
                case CLOSED -> Kind.CLEAN;
                case KILLED -> Kind.REPAIRED;
                case POWER_LOST -> Kind.REBUILT;
            };
        }
    }

    private CairnStore open(Path file) {
        return Cairn.open(file, MANUAL);
    }

    private Path file() {
        return directory.resolve("store");
    }

    private static Path shared(Path file) {
        return file.resolveSibling(file.getFileName() + "-shm");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static void put(CairnStore store, String key, Duration timeToLive) {
        store.put(bytes(key), bytes("v"), timeToLive);
    }

    private static boolean isThere(CairnStore store, String key) {
        boolean there = store.get(bytes(key)) != null;
        assertThat(store.containsKey(bytes(key))).isEqualTo(there);
        assertThat(store.getVersioned(bytes(key)) != null).isEqualTo(there);
        return there;
    }

    /** Requires that a time to live lasts as long as it says, whatever the wall clock shows. */
    private void assertTimeGoesOn(CairnStore store) {
        put(store, "a second", SECOND);
        put(store, "an hour", HOUR);
        assertThat(isThere(store, "a second")).isTrue();
        clocks.pass(SECOND.multipliedBy(2));
        assertThat(isThere(store, "a second"))
                .as("entry with a time to live of a second, two seconds later")
                .isFalse();
        clocks.pass(Duration.ofMinutes(50));
        assertThat(isThere(store, "an hour"))
                .as("entry with a time to live of an hour, 50 minutes later")
                .isTrue();
        clocks.pass(Duration.ofMinutes(10));
        assertThat(isThere(store, "an hour"))
                .as("entry with a time to live of an hour, an hour later")
                .isFalse();
    }

    @Test
    void aClockThatWasAheadForAMomentDoesNotStopTime() {
        try (CairnStore store = open(file())) {
            put(store, "a day", DAY);
            clocks.setWall(DECADE);
            put(store, "seen", HOUR);
            assertThat(isThere(store, "a day")).as("entry while the clock is ahead").isFalse();
            clocks.setWall(DECADE.negated());
            assertThat(isThere(store, "a day")).as("entry once the clock is right again").isFalse();
            assertThat(store.stats().clockAheadMillis())
                    .isCloseTo(DECADE.toMillis(), within(2 * SECOND.toMillis()));
            assertTimeGoesOn(store);
        }
        try (CairnStore store = open(file())) {
            assertThat(isThere(store, "a day")).as("entry after reopening").isFalse();
            assertTimeGoesOn(store);
        }
    }

    @Test
    void whatAReadFoundExpiredStaysSo() {
        try (CairnStore store = open(file())) {
            put(store, "a day", DAY);
            clocks.setWall(DECADE);
            assertThat(isThere(store, "a day")).isFalse();
            clocks.setWall(DECADE.negated());
            assertThat(isThere(store, "a day")).isFalse();
        }
        try (CairnStore store = open(file())) {
            assertThat(isThere(store, "a day")).isFalse();
        }
    }

    @Test
    void aClockThatStepsBackRevivesNothingAndStopsNothing() {
        try (CairnStore store = open(file())) {
            put(store, "an hour of before", HOUR);
            clocks.pass(HOUR);
            clocks.setWall(DECADE.negated());
            assertThat(isThere(store, "an hour of before")).isFalse();
            assertTimeGoesOn(store);
            assertThat(isThere(store, "an hour of before")).isFalse();
        }
    }

    /** As when a machine slept: only the wall clock knows of the time. */
    @Test
    void timeThatOnlyTheWallClockSawCounts() {
        try (CairnStore store = open(file())) {
            put(store, "an hour", HOUR);
            put(store, "a day", DAY);
            clocks.setWall(HOUR);
            assertThat(isThere(store, "an hour")).isFalse();
            assertThat(isThere(store, "a day")).isTrue();
            assertThat(store.stats().clockAheadMillis()).isZero();
        }
    }

    @Test
    void timeThatOnlyTheWallClockSawCountsThoughTheClockIsAheadAlready() {
        try (CairnStore store = open(file())) {
            clocks.setWall(DECADE);
            put(store, "seen", SECOND);
            clocks.setWall(DECADE.negated());
            put(store, "an hour", HOUR);
            put(store, "a day", DAY);
            clocks.setWall(HOUR);
            assertThat(isThere(store, "an hour")).isFalse();
            assertThat(isThere(store, "a day")).isTrue();
        }
    }

    /** As when a machine without a clock of its own starts in 1970 and asks the network later. */
    @Test
    void aCorrectionOfAClockThatWasBehindExpiresNothing() {
        for (int boot = 1; boot <= 3; boot++) {
            try (CairnStore store = open(file())) {
                put(store, "a day", DAY);
                clocks.setWall(Duration.ofDays(-56 * 365));
                put(store, "an hour", HOUR);
                clocks.setWall(Duration.ofDays(56 * 365));
                assertThat(isThere(store, "a day")).isTrue();
                assertThat(isThere(store, "an hour")).isTrue();
                clocks.setWall(Duration.ofDays(-56 * 365));
                put(store, "an hour", HOUR);
            }
            clocks.setWall(Duration.ofDays(56 * 365));
            clocks.pass(SECOND.multipliedBy(5));
            try (CairnStore store = open(file())) {
                assertThat(isThere(store, "a day")).isTrue();
                assertThat(isThere(store, "an hour")).isTrue();
                assertThat(store.stats().clockAheadMillis()).isZero();
                assertTimeGoesOn(store);
            }
        }
    }

    /** As when two daemons set the clock in turn. */
    @Test
    void aClockThatIsSetToAndFroDoesNotRunAway() {
        try (CairnStore store = open(file())) {
            put(store, "a day", DAY);
            for (int i = 0; i < 50; i++) {
                clocks.setWall(HOUR);
                put(store, "seen", HOUR);
                clocks.setWall(HOUR.negated());
                put(store, "seen", HOUR);
            }
            assertThat(store.stats().clockAheadMillis()).isLessThan(2 * HOUR.toMillis());
            assertThat(isThere(store, "a day")).isTrue();
            assertTimeGoesOn(store);
        }
    }

    /** The years are before 1970, at 1970, in this century, and beyond what is counted. */
    @ParameterizedTest
    @ValueSource(longs = {-80, -56, -1, 200, 8_000, 9_500, 200_000_000})
    void anyWallClockDoes(long years) {
        clocks.setWall(Duration.ofDays(365 * years));
        try (CairnStore store = open(file())) {
            assertTimeGoesOn(store);
            clocks.setWall(Duration.ofDays(-365 * years));
            assertTimeGoesOn(store);
        }
        try (CairnStore store = open(file())) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertTimeGoesOn(store);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aClockSetAheadWhileTheStoreIsNotOpen(End end) throws IOException {
        Path left;
        try (CairnStore store = open(file())) {
            put(store, "an hour", HOUR);
            put(store, "a week", DAY.multipliedBy(7));
            left = end.leave(store, file());
        }
        clocks.setWall(DAY);
        try (CairnStore store = open(left)) {
            assertThat(store.recovery().kind()).isEqualTo(end.kind());
            assertThat(isThere(store, "an hour")).isFalse();
            assertThat(isThere(store, "a week")).isTrue();
            clocks.setWall(DAY.negated());
            assertThat(isThere(store, "an hour")).isFalse();
            assertTimeGoesOn(store);
        }
        try (CairnStore store = open(left)) {
            assertThat(isThere(store, "an hour")).isFalse();
            assertThat(isThere(store, "a week")).isTrue();
            assertTimeGoesOn(store);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aClockSetBackWhileTheStoreIsNotOpen(End end) throws IOException {
        Path left;
        try (CairnStore store = open(file())) {
            put(store, "an hour of before", HOUR);
            put(store, "a day", DAY);
            long _ = store.checkpoint();
            clocks.pass(HOUR);
            assertThat(isThere(store, "an hour of before")).isFalse();
            left = end.leave(store, file());
        }
        clocks.setWall(DECADE.negated());
        if (end != End.KILLED) {
            clocks.reboot();
        }
        try (CairnStore store = open(left)) {
            assertThat(store.recovery().kind()).isEqualTo(end.kind());
            assertThat(isThere(store, "an hour of before")).isFalse();
            assertThat(isThere(store, "a day")).isTrue();
            assertTimeGoesOn(store);
            clocks.pass(DAY);
            assertThat(isThere(store, "a day")).isFalse();
        }
    }

    /**
     * While nobody has the store open, the wall clock tells how much time passes, even if the
     * store's clock is ahead of it.
     */
    @ParameterizedTest
    @EnumSource
    void timeInWhichTheStoreIsNotOpenCounts(End end) throws IOException {
        Path left;
        try (CairnStore store = open(file())) {
            clocks.setWall(DECADE);
            put(store, "seen", SECOND);
            clocks.setWall(DECADE.negated());
            put(store, "an hour", HOUR);
            put(store, "a day", DAY);
            left = end.leave(store, file());
        }
        clocks.pass(HOUR);
        if (end != End.KILLED) {
            clocks.reboot();
        }
        try (CairnStore store = open(left)) {
            assertThat(isThere(store, "an hour")).isFalse();
            assertThat(isThere(store, "a day")).isTrue();
            assertThat(store.stats().clockAheadMillis()).isGreaterThan(HOUR.toMillis());
            assertTimeGoesOn(store);
        }
    }

    /** However far ahead the clock was, no write may be given up for it. */
    @ParameterizedTest
    @ValueSource(longs = {-60, 10, 200, 8_000, 200_000_000})
    void aKillUnderAWrongClockLosesNoWrite(long years) throws IOException {
        Path left;
        try (CairnStore store = open(file())) {
            clocks.setWall(Duration.ofDays(365 * years));
            store.put(bytes("acknowledged"), bytes("v"));
            put(store, "with a time to live", HOUR);
            left = End.KILLED.leave(store, file());
        }
        clocks.setWall(Duration.ofDays(-365 * years));
        try (CairnStore store = open(left)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
            assertThat(isThere(store, "acknowledged")).isTrue();
            assertThat(isThere(store, "with a time to live")).isTrue();
            assertTimeGoesOn(store);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, 1L << 41, 1L << 63, Long.MAX_VALUE, 0x1234_5678_9abc_def0L})
    void aClockWordThatIsNoneCostsNothing(long word) throws IOException {
        Path left;
        try (CairnStore store = open(file())) {
            put(store, "an hour", HOUR);
            store.put(bytes("acknowledged"), bytes("v"));
            left = End.KILLED.leave(store, file());
        }
        byte[] shared = Files.readAllBytes(shared(left));
        Words.setPlain(shared, SharedLayout.CLOCK, word);
        Files.write(shared(left), shared);
        try (CairnStore store = Cairn.open(left, MANUAL.withReadOnly(true))) {
            assertThat(isThere(store, "an hour")).isTrue();
        }
        try (CairnStore store = open(left)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
            assertThat(isThere(store, "acknowledged")).isTrue();
            assertThat(isThere(store, "an hour")).isTrue();
            assertThat(store.stats().clockAheadMillis()).isZero();
            assertTimeGoesOn(store);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aReaderKeepsTheRuleToo(End end) throws IOException {
        Path left;
        try (CairnStore store = open(file())) {
            put(store, "an hour", HOUR);
            put(store, "a day", DAY);
            left = end.leave(store, file());
        }
        try (CairnStore store = Cairn.open(left, MANUAL.withReadOnly(true))) {
            assertThat(isThere(store, "an hour")).isTrue();
            clocks.setWall(HOUR);
            assertThat(isThere(store, "an hour")).isFalse();
            clocks.setWall(HOUR.negated());
            assertThat(isThere(store, "an hour")).isFalse();
            clocks.pass(DAY);
            assertThat(isThere(store, "a day")).isFalse();
        }
        clocks.setWall(HOUR);
        try (CairnStore store = Cairn.open(left, MANUAL.withReadOnly(true))) {
            assertThat(isThere(store, "a day")).isFalse();
        }
    }

    @Test
    void aClockThatWasSetBackIsNotedByACheckpoint() {
        try (CairnStore store = open(file())) {
            put(store, "a day", DAY);
            long before = store.checkpoint();
            clocks.setWall(DECADE);
            assertThat(isThere(store, "a day")).isFalse();
            clocks.setWall(DECADE.negated());
            assertThat(store.checkpoint())
                    .as("epoch, since the clock is new to the checkpoint")
                    .isGreaterThan(before);
            assertThat(store.checkpoint()).isEqualTo(before + 1);
        }
    }

    @Test
    void expiryIsToldByTheWallClock() {
        try (CairnStore store = open(file())) {
            store.put(bytes("eternal"), bytes("v"));
            put(store, "a day", DAY);
            assertThat(store.getVersioned(bytes("eternal")).expires()).isNull();
            assertThat(expires(store, "a day"))
                    .isCloseTo(Instant.now().plus(DAY), within(5, ChronoUnit.SECONDS))
                    .isEqualTo(expires(store, "a day"));
            put(store, "for ever", Duration.ofSeconds(Long.MAX_VALUE)); // longer than is counted
            assertThat(store.getVersioned(bytes("for ever")).expires()).isNull();
            put(store, "very long", Duration.ofDays(365_000_000));

            clocks.setWall(DECADE);
            put(store, "seen", SECOND);
            clocks.setWall(DECADE.negated());
            put(store, "a day", DAY);
            assertThat(expires(store, "a day"))
                    .isCloseTo(Instant.now().plus(DAY), within(5, ChronoUnit.SECONDS));
            assertThat(expires(store, "very long")).isAfter(Instant.now().plus(DECADE));
        }
    }

    private static Instant expires(CairnStore store, String key) {
        return store.getVersioned(bytes(key)).expires();
    }

    @Test
    void allEntriesAreShownWithVersionAndExpiry() {
        try (CairnStore store = open(file())) {
            long eternal = store.put(bytes("eternal"), bytes("e"));
            put(store, "a day", DAY);
            put(store, "a second", SECOND);
            clocks.pass(SECOND);
            int[] shown = {0};
            store.forEachVersioned((key, entry) -> {
                shown[0]++;
                assertThat(entry).usingRecursiveComparison().isEqualTo(store.getVersioned(key));
                if (entry.expires() == null) {
                    assertThat(key).isEqualTo(bytes("eternal"));
                    assertThat(entry.version()).isEqualTo(eternal);
                }
            });
            assertThat(shown[0]).isEqualTo(2);
            assertThatThrownBy(() -> store.forEachVersioned(null))
                    .isInstanceOf(NullPointerException.class);
            assertThatThrownBy(() -> store.forEachVersionedWhile(null))
                    .isInstanceOf(NullPointerException.class);
            assertThat(store.forEachVersionedWhile((_, _) -> false)).isFalse();
            assertThat(store.forEachVersionedWhile((_, _) -> true)).isTrue();
        }
    }

    @Test
    void clocksOfTheHostRun() {
        assertThat(HostClock.wallMillis()).isCloseTo(System.currentTimeMillis(), within(60_000L));
        assertThat(HostClock.bootMillis()).isPositive();
    }
}
