package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Recovery.Kind;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Attacks the promise that all processes of a store go by one clock, even if their wall clocks are
 * set or always differ.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WallClockIT {
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final long DAY = Duration.ofDays(1).toMillis();
    private static final long DECADE = Duration.ofDays(3652).toMillis();
    private static final long TWO_CENTURIES = 20 * DECADE;
    private static final String ABSENT = "absent";

    /** Sets the wall clock of a program ahead by the seconds in a file, which is read each time. */
    private static final String FAKE_CLOCK =
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <sys/time.h>
            #include <time.h>
            static long ahead(void) {
                long seconds = 0;
                FILE *file = fopen(getenv("CLOCK_FILE"), "re");
                if (file) {
                    if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
                    fclose(file);
                }
                return seconds;
            }
            int clock_gettime(clockid_t id, struct timespec *time) {
                int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
                int result = real(id, time);
                if (id == CLOCK_REALTIME && !result) time->tv_sec += ahead();
                return result;
            }
            int gettimeofday(struct timeval *time, void *zone) {
                int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
                int result = real(time, zone);
                if (!result) time->tv_sec += ahead();
                return result;
            }
            """;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private static void put(CairnStore store, String key, long millis) {
        store.put(bytes(key), Values.of(key, 1, 1, 100), Duration.ofMillis(millis));
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Test
    void whatTheClockOfOneProcessExpiresIsGoneForAll() {
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            put(store, "an hour", HOUR);
            put(store, "a week", 7 * DAY);
            Child other = children.start();
            other.ask("open", file());

            other.ask("clocks", DAY, 0);
            await("an hour, for the one", () -> other.ask("get", "an hour").equals(ABSENT));
            await("an hour, for the other", () -> !store.containsKey(bytes("an hour")));
            other.ask("clocks", 0, 0);

            assertThat(other.ask("get", "an hour")).isEqualTo(ABSENT);
            assertThat(store.containsKey(bytes("an hour"))).isFalse();
            assertThat(other.ask("get", "a week")).isEqualTo("1");
            assertThat(store.containsKey(bytes("a week"))).isTrue();
            assertThat(store.stats().clockAheadMillis()).isCloseTo(DAY, within(60_000L));
            other.ask("lasting", "fleeting", 200);
            await("fleeting", () -> !store.containsKey(bytes("fleeting")));
            assertThat(other.ask("get", "fleeting")).isEqualTo(ABSENT);
        }
    }

    @Test
    void aProcessWhoseClockAlwaysDiffersChangesNothing() {
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            put(store, "an hour", HOUR);
            for (long millis : List.of(DECADE, -DECADE)) {
                Child other = children.start();
                other.ask("clocks", millis, 0);
                assertThat(other.ask("open", file())).isEqualTo(Kind.JOINED.toString());
                for (int i = 0; i < 20; i++) {
                    other.ask("lasting", "other's", HOUR);
                    put(store, "own", HOUR);
                }
                assertThat(store.stats().clockAheadMillis()).isZero();
                assertThat(Long.parseLong(other.ask("ahead"))).isCloseTo(-millis, within(60_000L));
                assertThat(other.ask("get", "an hour")).isEqualTo("1");
                other.ask("close");
            }
            assertThat(store.containsKey(bytes("an hour"))).isTrue();
        }
    }

    /** In such a namespace the clock of the boot begins elsewhere. */
    @Test
    void aProcessInATimeNamespaceGoesByTheSameClock() throws IOException {
        List<String> unshare =
                List.of("unshare", "--time", "--monotonic", "864000", "--fork", "--");
        assumeTrue(succeeds(unshare, "true"), "unshare --time does not work here");
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            put(store, "an hour", HOUR);
            Child contained = children.start(unshare);
            assertThat(contained.ask("open", file())).isEqualTo(Kind.JOINED.toString());
            assertThat(contained.ask("get", "an hour")).isEqualTo("1");
            assertThat(contained.ask("ahead")).isEqualTo("0");
            contained.ask("lasting", "fleeting", 200);
            await("fleeting", () -> !store.containsKey(bytes("fleeting")));
            contained.ask("lasting", "a day", DAY);
            assertThat(store.getVersioned(bytes("a day")).expires().toEpochMilli())
                    .isCloseTo(System.currentTimeMillis() + DAY, within(60_000L));
            contained.ask("close");
        }
    }

    /** This shifts the clock that the JVM itself asks. Other tests shift what stands for it. */
    @Test
    void aKillUnderAClockTwoCenturiesAheadLosesNothing() throws IOException {
        Path library = fakeClock();
        Path seconds = directory.resolve("seconds");
        set(seconds, 0);
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            put(store, "a day", DAY);
        }
        Child victim =
                children.start(List.of("env", "LD_PRELOAD=" + library, "CLOCK_FILE=" + seconds));
        victim.ask("open", file());
        assertThat(victim.ask("get", "a day")).isEqualTo("1");
        set(seconds, TWO_CENTURIES / 1000);
        await("a day", () -> victim.ask("get", "a day").equals(ABSENT));
        victim.ask("put", "acknowledged", 100);
        victim.ask("lasting", "an hour", HOUR);
        set(seconds, 0);
        victim.ask("lasting", "fleeting", 200);
        await("fleeting", () -> victim.ask("get", "fleeting").equals(ABSENT));
        set(seconds, TWO_CENTURIES / 1000);
        victim.kill();
        victim.awaitDeath();
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
            assertThat(store.containsKey(bytes("acknowledged"))).isTrue();
            assertThat(store.containsKey(bytes("an hour"))).isTrue();
            assertThat(store.containsKey(bytes("a day"))).isFalse();
            assertThat(store.stats().clockAheadMillis()).isCloseTo(TWO_CENTURIES, within(60_000L));
        }
    }

    private Path fakeClock() throws IOException {
        Path source = Files.writeString(directory.resolve("clock.c"), FAKE_CLOCK);
        Path library = directory.resolve("clock.so");
        List<String> compiler =
                List.of("cc", "-shared", "-fPIC", "-o", library.toString(), source.toString());
        assumeTrue(succeeds(compiler, "-ldl"), "The wall clock was NOT set: there is no cc here");
        return library;
    }

    private static boolean succeeds(List<String> command, String last) {
        try {
            Process process =
                    new ProcessBuilder(Stream.concat(command.stream(), Stream.of(last)).toList())
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            return process.onExit().join().exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static void set(Path seconds, long value) throws IOException {
        Path made = seconds.resolveSibling("made");
        Files.writeString(made, Long.toString(value));
        Files.move(made, seconds, StandardCopyOption.ATOMIC_MOVE);
    }
}
