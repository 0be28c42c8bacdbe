package dev.cairn.bench.messages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Attacks both ends of each way, in one JVM. The canaries are a lost message and a wrong byte. */
class EndsTest {
    private static final double SECONDS = 0.002;
    private static final int BYTES = 100;

    @TempDir private Path directory;
    private Places places;

    @BeforeEach
    void makePlaces() throws IOException {
        places = Places.create(directory);
        places.makeFifos();
    }

    @AfterEach
    void removePlaces() throws IOException {
        places.remove();
    }

    static List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        Setting setting = Setting.of();
        for (Way way : setting.ways()) {
            for (int bytes : setting.sizes()) {
                setting.directions().stream()
                        .filter(direction -> way.isFor(bytes, direction))
                        .forEach(direction -> cases.add(new Case(way, bytes, direction)));
            }
        }
        return cases;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void bothSawTheSameMessages(Case what) throws Exception {
        List<Callable<End>> openings = openings(what);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Report> first =
                    threads.submit(() -> {
                        try (End end = openings.getFirst().call()) {
                            return traffic(end, what).first();
                        }
                    });
            Future<Report> second =
                    threads.submit(() -> {
                        try (End end = openings.getLast().call()) {
                            return traffic(end, what).second();
                        }
                    });

            Report sent = first.get(1, TimeUnit.MINUTES);
            Report received = second.get(1, TimeUnit.MINUTES);

            assertThat(received.total()).isEqualTo(sent.total()).isGreaterThan(sent.measured());
            assertThat(received.measured()).isEqualTo(sent.measured()).isPositive();
            assertThat(sent.p50() > 0).isEqualTo(what.direction() == Direction.PING_PONG);
        }
    }

    private static Traffic traffic(End end, Case what) {
        return new Traffic(end, what.bytes(), what.direction(), SECONDS, SECONDS);
    }

    private List<Callable<End>> openings(Case what) throws IOException {
        if (what.way().kind() != Way.Kind.PIPE) {
            return List.of(
                    () -> Ends.open(what, 2, places, true),
                    () -> Ends.open(what, 2, places, false));
        }
        Posix.Pipe there = Posix.pipe();
        Posix.Pipe back = Posix.pipe();
        End first = pipeEnd(what, back.readEnd(), there.writeEnd());
        End second = pipeEnd(what, there.readEnd(), back.writeEnd());
        for (Posix.Pipe pipe : List.of(there, back)) {
            Posix.close(pipe.readEnd());
            Posix.close(pipe.writeEnd());
        }
        return List.of(() -> first, () -> second);
    }

    private static End pipeEnd(Case what, int readEnd, int writeEnd) throws IOException {
        FileChannel in = FileChannel.open(descriptor(readEnd), StandardOpenOption.READ);
        FileChannel out = FileChannel.open(descriptor(writeEnd), StandardOpenOption.WRITE);
        Content content = new Content(what.bytes());
        return new StreamEnd(content, what.way().batchOf(), in, out, List.of(out, in));
    }

    private static Path descriptor(int number) {
        return Path.of("/proc/self/fd/" + number);
    }

    @Test
    void lostMessageIsNoticed() throws Exception {
        StreamEnd end = received(sent(0, 2));

        assertThat(end.receive(0)).isEqualTo(Phase.MEASURED);
        assertThatThrownBy(() -> end.receive(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("message 1 is lost or wrong; there is 2");
    }

    @Test
    void endOfTheStreamIsNoMessage() throws Exception {
        StreamEnd end = received(sent(0));
        end.receive(0);

        assertThatThrownBy(() -> end.receive(1)).isInstanceOf(EOFException.class);
    }

    static Stream<Integer> positions() {
        return Stream.iterate(0, position -> position < BYTES, position -> position + 1);
    }

    @ParameterizedTest
    @MethodSource("positions")
    void wrongByteIsNoticedWhereverItIs(int position) throws Exception {
        byte[] stream = sent(0);
        Content content = new Content(BYTES);
        MemorySegment memory = MemorySegment.ofArray(stream);
        assertThat(content.check(memory, 0, 0)).isEqualTo(Phase.MEASURED);
        stream[position] ^= 4;

        assertThatThrownBy(() -> content.check(memory, 0, 0))
                .isInstanceOf(IllegalStateException.class);
    }

    private static byte[] sent(long... sequences) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (StreamEnd end =
                new StreamEnd(
                        new Content(BYTES),
                        1,
                        Channels.newChannel(new ByteArrayInputStream(new byte[0])),
                        Channels.newChannel(bytes),
                        List.of())) {
            for (long sequence : sequences) {
                end.send(sequence, Phase.MEASURED);
            }
        }
        return bytes.toByteArray();
    }

    private static StreamEnd received(byte[] stream) {
        return new StreamEnd(
                new Content(BYTES),
                1,
                Channels.newChannel(new ByteArrayInputStream(stream)),
                Channels.newChannel(new ByteArrayOutputStream()),
                List.of());
    }
}
