package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import dev.cairn.OpeningProgress;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.Verification;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BiFunction;

/** Guards what scripts read: the names of the figures, and their order. */
class JsonReportTest {
    private static final List<String> STATS =
            List.of(
                    "entries",
                    "liveBytes",
                    "dataFileBytes",
                    "maxBytes",
                    "sharedMemoryFileBytes",
                    "regionBytes",
                    "regions",
                    "freeRegions",
                    "waitingRegions",
                    "garbageBytes",
                    "stripes",
                    "indexSlots",
                    "processes",
                    "epoch",
                    "durableEpoch",
                    "writes",
                    "state",
                    "checkpoints",
                    "checkpointFailures",
                    "checkpointNanos",
                    "longestCheckpointNanos",
                    "checkpointWaits",
                    "overwritesInPlace",
                    "longestCutNanos",
                    "lockWaits",
                    "lockWaitNanos",
                    "longestLockWaitNanos",
                    "takeovers",
                    "naming",
                    "damagedStripes",
                    "clockAheadMillis",
                    "hits",
                    "misses",
                    "loads",
                    "loadFailures",
                    "loadNanos",
                    "refreshes",
                    "evictions",
                    "expirations");
    private static final List<String> RECOVERY =
            List.of("kind", "detail", "epoch", "entries", "bytes", "repaired", "timeNanos");
    private static final List<String> VERIFICATION =
            List.of("entries", "records", "bytes", "damages", "uncomparedStripes");
    private static final List<String> OPENING = List.of("recovering", "doneBytes", "allBytes");

    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir private Path directory;

    @Test
    void figuresKeepTheirOrder() throws IOException {
        Path store = directory.resolve("test.cairn");
        assertThat(cairn.run("put", store, "k", "v").exit()).isZero();

        assertThat(names(cairn.run("stat", store, "--json").out()))
                .isEqualTo(joined(List.of(List.of("file"), STATS, List.of("recovery"), RECOVERY)));
        assertThat(names(cairn.run("top", store, "--times", "1", "--json").out()))
                .isEqualTo(
                        joined(
                                List.of(
                                        List.of("file", "at"),
                                        STATS,
                                        List.of("entriesPerSecond", "logBytesPerSecond"))));
        assertThat(names(cairn.run("compact", store, "--json").out()))
                .isEqualTo(
                        joined(
                                List.of(
                                        List.of("file", "givenBackBytes", "before"),
                                        STATS,
                                        List.of("after"),
                                        STATS,
                                        List.of("timeNanos"))));
        assertThat(names(cairn.run("check", store, "--json").out()))
                .isEqualTo(
                        joined(
                                List.of(
                                        List.of("file", "sound"),
                                        VERIFICATION,
                                        List.of("timeNanos"))));
    }

    /**
     * A figure that one of the types gains must not be left out, and no figure may stand under
     * another's name.
     */
    @Test
    void everyFigureIsPutUnderItsName() throws IOException {
        complete(Stats.class, JsonReport::putAll, STATS);
        complete(Recovery.class, JsonReport::putAll, RECOVERY);
        complete(Verification.class, JsonReport::putAll, VERIFICATION);
        complete(OpeningProgress.class, JsonReport::putAll, OPENING);
    }

    @Test
    void aStoreInSharedMemoryIsOneObjectALine() throws IOException {
        String name = "cairn-test-" + UUID.randomUUID();
        assertThat(cairn.run("put", "shm:" + name, "k", "v").exit()).isZero();
        String line =
                cairn.run("shm", "list", "--json")
                        .out()
                        .lines()
                        .filter(each -> each.contains(name))
                        .findFirst()
                        .orElseThrow();
        assertThat(cairn.run("shm", "rm", name).exit()).isZero();
        assertThat(names(line))
                .isEqualTo(
                        List.of(
                                "name",
                                "state",
                                "bytes",
                                "entries",
                                "durability",
                                "processes",
                                "owner",
                                "changed",
                                "leftovers"));
        assertThat(line).contains("\"state\":\"UNUSED\"", "\"entries\":1,", "\"processes\":[]");
    }

    private static <T> void complete(
            Class<T> type, BiFunction<JsonReport, T, JsonReport> putAll, List<String> names)
            throws IOException {
        JsonReport report = new JsonReport();
        T figures =
                type.cast(
                        Proxy.newProxyInstance(
                                type.getClassLoader(),
                                new Class<?>[] {type},
                                (_, method, _) -> figure(method)));

        String json = putAll.apply(report, figures).toString();

        assertThat(names(json)).isEqualTo(names);
        for (Method method : type.getMethods()) {
            if (Modifier.isAbstract(method.getModifiers())) {
                assertThat(json).contains(written(method));
            }
        }
    }

    /** A figure whose value tells which one it is. */
    private static Object figure(Method method) {
        Class<?> type = method.getReturnType();
        int number = method.getName().hashCode() & 0xFFFF;
        if (type == long.class) {
            return (long) number;
        }
        if (type == Duration.class) {
            return Duration.ofNanos(number);
        }
        if (type == List.class) {
            return List.of(method.getName());
        }
        if (type.isEnum()) {
            return type.getEnumConstants()[1];
        }
        return type == int.class ? number : type == boolean.class ? true : method.getName();
    }

    private static String written(Method method) {
        String name = method.getName();
        return switch (figure(method)) {
            case Duration time -> "\"%sNanos\":%s".formatted(name, time.toNanos());
            case List<?> list -> "\"%s\":[\"%s\"]".formatted(name, list.getFirst());
            case Number number -> "\"%s\":%s".formatted(name, number);
            case Boolean truth -> "\"%s\":%s".formatted(name, truth);
            case Object other -> "\"%s\":\"%s\"".formatted(name, other);
        };
    }

    private static List<String> names(String json) throws IOException {
        List<String> names = new ArrayList<>();
        try (JsonParser parser = new JsonFactory().createParser(json)) {
            while (parser.nextToken() != null) {
                if (parser.currentToken() == JsonToken.FIELD_NAME) {
                    names.add(parser.currentName());
                }
            }
        }
        return names;
    }

    private static List<String> joined(List<List<String>> parts) {
        return parts.stream().flatMap(List::stream).toList();
    }
}
