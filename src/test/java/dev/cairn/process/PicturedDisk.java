package dev.cairn.process;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A block device that is a file, with a file system in use on it, and pictures of what has reached
 * that device. A picture is what a power loss leaves.
 *
 * <p>The file lies on an outer XFS, which can clone files. A clone is the device at one instant,
 * for two reasons. XFS keeps writers out of a file from before it writes back what is cached until
 * the clone has all extents, and it waits for direct writes that are under way. And the device
 * passes requests on without a cache of its own (direct I/O). So each request of the device is
 * wholly in the clone or wholly after it. The page cache of the inner file system, in which the
 * store's pages lie, is not in the clone.
 *
 * <p>Such a device has no volatile cache: it keeps each request that ended, in their order. A real
 * device may have lost any request that no flush followed. {@link #takeMixed} makes such a picture
 * from two pictures between which no flush ended. If a block differs between the two, either
 * version may have reached the medium. What the first picture holds beyond the last flush, and what
 * the second holds beyond the first, was promised to nobody. The kernel counts a flush before it
 * tells those who wait for it. This device has no forced unit access (FUA), and such a device gets
 * a flush for each request of that kind.
 */
final class PicturedDisk implements AutoCloseable {
    /** The block size of the inner file system, and so the unit that the device writes at once. */
    private static final int BLOCK_BYTES = 4096;

    private static final String OUTER_BYTES = "8G";

    /** XFS cannot be made smaller. */
    private static final String INNER_BYTES = "320M";

    private static final int FLUSHES_FIELD = 15;
    private static final int ATTEMPTS = 30;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Path root;
    private final Path image;
    private final String device;
    private final boolean xfs;
    private int taken;
    private long mixedBlocks;

    private PicturedDisk(Path root, Path image, String device, boolean xfs) {
        this.root = root;
        this.image = image;
        this.device = device;
        this.xfs = xfs;
    }

    /**
     * The directory of all these files. It is a fixed place, so that the next run finds what a
     * killed run left.
     */
    private static Path root() throws IOException {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        return Files.createDirectories(temporary).toRealPath().resolve("pictured-disk");
    }

    /**
     * Makes a disk with a mounted file system. Where that is impossible, the test is skipped,
     * visibly.
     *
     * @param fileSystem {@code ext4} or {@code xfs}
     */
    static PicturedDisk with(String fileSystem) throws IOException {
        requireMeans(fileSystem);
        removeLeftovers();
        Path root = Files.createDirectory(root());
        Path outer = Files.createDirectory(root.resolve("outer"));
        Path inner = Files.createDirectory(root.resolve("inner"));
        Path file = root.resolve("outer.img");
        run("truncate", "-s", OUTER_BYTES, file.toString());
        run("mkfs.xfs", "-q", "-m", "reflink=1", file.toString());
        String refusal = attempt("mount", "-o", "loop", file.toString(), outer.toString());
        if (refusal != null) {
            removeLeftovers();
        }
        require(refusal == null, "no file system can be mounted here: " + refusal);
        try {
            return within(outer.resolve("disk.img"), fileSystem, inner);
        } catch (IOException e) {
            removeLeftovers();
            throw e;
        }
    }

    private static PicturedDisk within(Path image, String fileSystem, Path inner)
            throws IOException {
        run("truncate", "-s", INNER_BYTES, image.toString());
        boolean xfs = fileSystem.equals("xfs");
        if (xfs) {
            run("mkfs.xfs", "-q", image.toString());
        } else {
            run("mkfs.ext4", "-q", "-F", "-b", "" + BLOCK_BYTES, image.toString());
        }
        String device = run("losetup", "--direct-io=on", "-f", "--show", image.toString()).strip();
        PicturedDisk disk = new PicturedDisk(root(), image, device, xfs);
        disk.requireFlushes();
        run("mount", device, inner.toString());
        return disk;
    }

    private static void requireMeans(String fileSystem) throws IOException {
        Path self = Path.of("/proc/self");
        require(Files.exists(self), "needs Linux");
        require(Files.getAttribute(self, "unix:uid").equals(0), "needs root, to mount");
        for (String program :
                List.of("mount", "umount", "losetup", "mkfs.xfs", "mkfs." + fileSystem)) {
            require(
                    attempt("sh", "-c", "command -v " + program) == null,
                    "needs the program " + program);
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            System.out.println("skipped: " + otherwise);
        }
        assumeTrue(holds, otherwise);
    }

    /**
     * Requires that the device gets a flush for each request of forced unit access. Otherwise the
     * class comment on flushes would not hold.
     */
    private void requireFlushes() throws IOException {
        Path queue = Path.of("/sys/block", Path.of(device).getFileName().toString(), "queue");
        String cache = Files.readString(queue.resolve("write_cache")).strip();
        String fua = Files.readString(queue.resolve("fua")).strip();
        if (!cache.equals("write back") || !fua.equals("0")) {
            throw new IOException(device + ": write cache " + cache + ", FUA " + fua);
        }
    }

    /** Where the file system in use is mounted. */
    Path directory() {
        return root.resolve("inner");
    }

    /** A directory of its own for a test. It is removed with the disk. */
    Path scratch(String name) throws IOException {
        return Files.createDirectory(root.resolve(name));
    }

    /** How many blocks of mixed pictures came from the earlier of two. */
    long mixedBlocks() {
        return mixedBlocks;
    }

    /**
     * Makes the kernel write everything that it has, as a write-back of its own accord. Does not
     * wait for that.
     */
    Process writeBack() throws IOException {
        return new ProcessBuilder("sync", "-f", directory().toString()).inheritIO().start();
    }

    private Path newImage() {
        return image.resolveSibling("picture" + ++taken + ".img");
    }

    /** A picture of what is on the device now. */
    Path take() throws IOException {
        return copy(image);
    }

    /** Copies a picture, since looking at one changes it. */
    Path copy(Path picture) throws IOException {
        Path copy = newImage();
        run("cp", "--reflink=always", picture.toString(), copy.toString());
        return copy;
    }

    /**
     * A picture of what may be on the device if it had a cache that is lost with the power.
     *
     * @param before called before each attempt
     * @return null if a flush came between again and again
     */
    @Nullable Path takeMixed(SplittableRandom random, Runnable before) throws IOException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Path earlier = newImage();
            Path later = newImage();
            before.run();
            boolean unflushed = takeBoth(earlier, later, random.nextInt(4));
            if (unflushed) {
                mix(earlier, later, random);
            }
            Files.delete(earlier);
            if (unflushed) {
                return later;
            }
            Files.delete(later);
        }
        return null;
    }

    /**
     * Takes two pictures in one shell, since starting a process takes as long as a flush. Returns
     * whether no flush ended between the two.
     */
    private boolean takeBoth(Path earlier, Path later, int millis) throws IOException {
        String count = "cat /sys/block/" + Path.of(device).getFileName() + "/stat";
        String copy = "cp --reflink=always '" + image + "' '";
        String wait = millis == 0 ? "" : "sleep 0.00" + millis + "; ";
        String said =
                run(
                        "sh",
                        "-e",
                        "-c",
                        count + "; " + copy + earlier + "'; " + wait + copy + later + "'; "
                                + count);
        long[] flushes =
                said.lines()
                        .mapToLong(
                                line -> Long.parseLong(line.strip().split(" +", -1)[FLUSHES_FIELD]))
                        .toArray();
        return flushes[0] == flushes[1];
    }

    /** Puts random blocks of the earlier picture into the later one. */
    private void mix(Path earlier, Path later, SplittableRandom random) throws IOException {
        int share = 1 + random.nextInt(8); // of eight blocks so many stay old
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = map(earlier, MapMode.READ_ONLY, arena);
            MemorySegment to = map(later, MapMode.READ_WRITE, arena);
            for (long at = 0; at < to.byteSize(); at += BLOCK_BYTES) {
                MemorySegment old = from.asSlice(at, BLOCK_BYTES);
                MemorySegment block = to.asSlice(at, BLOCK_BYTES);
                if (old.mismatch(block) >= 0 && random.nextInt(8) < share) {
                    block.copyFrom(old);
                    mixedBlocks++;
                }
            }
        }
    }

    private static MemorySegment map(Path file, MapMode mode, Arena arena) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.map(mode, 0, channel.size(), arena);
        }
    }

    /** Mounts the file system of a picture, which replays its journal. */
    Mounted mount(Path picture) throws IOException {
        Path directory = Files.createDirectories(root.resolve("picture"));
        String options = xfs ? "loop,nouuid" : "loop"; // it has the id of the one in use
        run("mount", "-o", options, picture.toString(), directory.toString());
        return new Mounted(directory);
    }

    /** A mounted picture, which can be read and written until it is closed. */
    static final class Mounted implements AutoCloseable {
        private final Path directory;

        private Mounted(Path directory) {
            this.directory = directory;
        }

        Path directory() {
            return directory;
        }

        @Override
        public void close() throws IOException {
            unmount(directory);
        }
    }

    @Override
    public void close() throws IOException {
        removeLeftovers();
    }

    /** Removes whatever is left of this disk or of an earlier run's. */
    private static void removeLeftovers() throws IOException {
        Path root = root();
        Path outer = root.resolve("outer");
        for (Path mounted : mountedBelow(root)) {
            if (!mounted.equals(outer)) {
                unmount(mounted);
            }
        }
        for (String line : run("losetup", "-l", "-n", "-O", "NAME,BACK-FILE").lines().toList()) {
            String[] words = line.strip().split(" +", 2);
            if (words.length == 2 && words[1].startsWith(outer + "/")) {
                run("losetup", "-d", words[0]);
            }
        }
        if (mountedBelow(root).contains(outer)) {
            unmount(outer);
        }
        if (Files.exists(root)) {
            try (Stream<Path> all = Files.walk(root)) {
                for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }

    private static List<Path> mountedBelow(Path root) throws IOException {
        List<Path> mounted = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            Path at = Path.of(line.split(" ", 6)[4]);
            if (at.startsWith(root)) {
                mounted.addFirst(at);
            }
        }
        return mounted;
    }

    /** Unmounts a directory. Processes of a killed run may still use it for a moment. */
    private static void unmount(Path directory) throws IOException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        String problem = attempt("umount", directory.toString());
        while (problem != null) {
            if (System.nanoTime() - deadline > 0) {
                throw new IOException(problem);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
            problem = attempt("umount", directory.toString());
        }
    }

    private static String run(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        if (process.onExit().join().exitValue() != 0) {
            throw new IOException(String.join(" ", command) + ": " + said.strip());
        }
        return said;
    }

    /** Runs a command. Returns what went wrong, or null if nothing did. */
    private static @Nullable String attempt(String... command) {
        try {
            String _ = run(command);
            return null;
        } catch (IOException e) {
            return e.getMessage() == null ? Arrays.toString(command) : e.getMessage();
        }
    }
}
