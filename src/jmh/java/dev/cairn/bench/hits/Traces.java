package dev.cairn.bench.hits;

import static dev.cairn.bench.hits.Load.Kind.APPLICATION;
import static dev.cairn.bench.hits.Load.Kind.BLOCK;
import static dev.cairn.bench.hits.Load.Kind.LOOP;

import dev.cairn.bench.hits.Load.Kind;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/**
 * Recorded requests, which are not part of this project. {@code NAME.ids.gz} holds, for each
 * request, the difference between the number of its key and that of the request before. For the
 * first request it holds the number itself. Each is a zigzag varint of 7 bits a byte, low bits
 * first. Keys are numbered in the order of their first requests.
 */
final class Traces {
    /**
     * Where the recordings are, relative to the working directory, unless something else is given.
     */
    static final Path DIRECTORY = Path.of("..", "shared", "cache", "traces");

    /** The recordings that are replayed, by name. */
    static final Map<String, Kind> KINDS = kinds();

    private static final int MOST_VARINT_BYTES = 5;

    private Traces() {}

    private static Map<String, Kind> kinds() {
        Map<String, Kind> kinds = new LinkedHashMap<>();
        for (String name :
                "orm-busy orm-night web07 web12 scarab-recs corda adaptsize".split(" ", -1)) {
            kinds.put(name, APPLICATION);
        }
        for (String name :
                "arc-OLTP arc-P3 arc-P6 w106 cloudphysicsio lirs-sprite".split(" ", -1)) {
            kinds.put(name, BLOCK);
        }
        for (String name :
                "2_pools cpp cs gli ps multi1 multi2 multi3 loop scan zigzag".split(" ", -1)) {
            kinds.put("lirs-" + name, LOOP);
        }
        return kinds;
    }

    static Path file(Path directory, String name) {
        return directory.resolve(name + ".ids.gz");
    }

    /**
     * The keys that a recording asks for, all of them by reads.
     *
     * @param most how many requests are read, from the beginning
     * @throws IOException if the file is cut off, or is no recording
     */
    static int[] read(Path directory, String name, int most) throws IOException {
        Path file = file(directory, name);
        int[] keys = new int[1 << 16];
        int count = 0;
        long key = 0;
        int next = 0;
        try (InputStream in =
                new BufferedInputStream(new GZIPInputStream(Files.newInputStream(file)))) {
            for (int first = in.read(); first >= 0 && count < most; first = in.read()) {
                long zigzag = varint(file, in, first);
                key += (zigzag >>> 1) ^ -(zigzag & 1);
                if (key < 0 || key > next) {
                    throw new IOException(
                            "%s: request %d asks for key %d, where only 0 to %d can come"
                                    .formatted(file, count, key, next));
                }
                next = Math.max(next, (int) key + 1);
                if (count == keys.length) {
                    keys = Arrays.copyOf(keys, count * 2);
                }
                keys[count++] = (int) key;
            }
        }
        return Arrays.copyOf(keys, count);
    }

    private static long varint(Path file, InputStream in, int first) throws IOException {
        long value = first & 0x7F;
        int last = first;
        for (int bytes = 1; last >= 0x80; bytes++) {
            last = in.read();
            if (last < 0) {
                throw new EOFException(file + " ends within a number");
            }
            if (bytes == MOST_VARINT_BYTES) {
                throw new IOException(
                        file + " has a number of more than " + MOST_VARINT_BYTES + " bytes");
            }
            value |= (last & 0x7FL) << 7 * bytes;
        }
        return value;
    }
}
