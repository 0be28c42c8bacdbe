package dev.cairn.sim;

import dev.cairn.format.Words;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/**
 * One file twice: the live image, which is the file itself, and what of it is certainly on disk.
 * Between these lie all the values that each word of 8 bytes had since its last force, and all
 * contents that each page had.
 *
 * <p>Stores of words are found by comparing the file with what it was at the last look. So a value
 * that is overwritten between two looks is not seen. {@link Machine} looks at every step and at
 * every force, and there is a step between any two stores whose order matters. Stores of bytes to
 * the data file are all reported ({@link #stored}), since they may store the very bytes that were
 * there.
 *
 * <p>After a force that failed a page may be <em>stale</em>: it is not on disk, but the kernel
 * takes it for clean, so that the next force does not write it. Any store to the page makes all of
 * it dirty again.
 */
final class PageCache implements AutoCloseable {
    static final int PAGE_BYTES = 4096;
    static final int SECTOR_BYTES = 512;
    private static final int PAGE_WORDS = PAGE_BYTES / Long.BYTES;
    private static final int MOST_CONTENTS = 24;
    private static final int MOST_VALUES = 16;
    private static final byte[] ZEROS = new byte[PAGE_BYTES];

    private final Path file;
    private final Arena arena = Arena.ofShared();
    private MemorySegment live = MemorySegment.NULL;

    /** The live image at the last look. */
    private byte[][] known = {};

    /** What is certainly on disk, where the word is not dirty. */
    private byte[][] disk = {};

    private long diskLength;

    /**
     * For each dirty word, the values that it may have on disk. The old one is first, the live one
     * last.
     */
    private final TreeMap<Integer, long[]> dirty = new TreeMap<>();

    /** For each dirty page, its contents since its last force, except the present one. */
    private final TreeMap<Integer, List<byte[]>> contents = new TreeMap<>();

    private final BitSet stale = new BitSet();

    /** @param durable whether all of the file is on disk; otherwise nothing is */
    PageCache(Path file, boolean durable) throws IOException {
        this.file = file;
        look();
        if (durable) {
            force(0, live.byteSize());
        }
    }

    /** What a cache knew of its file at some time, before anything of it was lost. */
    record State(
            byte[][] known,
            long length,
            byte[][] disk,
            long diskLength,
            TreeMap<Integer, long[]> dirty,
            TreeMap<Integer, List<byte[]>> contents,
            BitSet stale) {}

    /**
     * Everything that is known now. The processes of the file may be killed, but its pages stay.
     */
    State state() throws IOException {
        look();
        TreeMap<Integer, List<byte[]>> copies = new TreeMap<>();
        contents.forEach((page, earlier) -> copies.put(page, new ArrayList<>(earlier)));
        return new State(
                known.clone(),
                live.byteSize(),
                disk.clone(),
                diskLength,
                new TreeMap<>(dirty),
                copies,
                (BitSet) stale.clone());
    }

    /** A file of another name in that state. Each state may be used once. */
    PageCache(Path file, State state) throws IOException {
        this.file = file;
        new Image(state.known, state.length).writeTo(file);
        lengthen(state.length);
        known = state.known;
        disk = state.disk;
        diskLength = state.diskLength;
        dirty.putAll(state.dirty);
        contents.putAll(state.contents);
        stale.or(state.stale);
    }

    private int pages() {
        return (int) ((live.byteSize() + PAGE_BYTES - 1) / PAGE_BYTES);
    }

    /** Finds what was stored since the last look. */
    void look() throws IOException {
        long length = Files.size(file);
        if (length > live.byteSize()) {
            lengthen(length);
        }
        for (int page = 0; page < known.length; page++) {
            look(page);
        }
    }

    private void look(int page) {
        long from = (long) page * PAGE_BYTES;
        long to = Math.min(from + PAGE_BYTES, live.byteSize());
        MemorySegment before = MemorySegment.ofArray(known[page]);
        if (MemorySegment.mismatch(live, from, to, before, 0, to - from) >= 0) {
            byte[] now = new byte[PAGE_BYTES];
            MemorySegment.copy(live, ValueLayout.JAVA_BYTE, from, now, 0, (int) (to - from));
            changed(page, now);
        }
    }

    private void lengthen(long length) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            live = channel.map(MapMode.READ_WRITE, 0, length, arena);
        }
        int old = known.length;
        known = Arrays.copyOf(known, pages());
        disk = Arrays.copyOf(disk, pages());
        Arrays.fill(known, old, pages(), ZEROS);
        Arrays.fill(disk, old, pages(), ZEROS);
    }

    private void changed(int page, byte[] now) {
        storedTo(page);
        byte[] before = known[page];
        for (int word = 0; word < PAGE_WORDS; word++) {
            long value = Words.plain(now, word * Long.BYTES);
            if (value != Words.plain(before, word * Long.BYTES)) {
                int index = page * PAGE_WORDS + word;
                long[] values = dirty.get(index);
                if (values == null) {
                    values = new long[] {Words.plain(disk[page], word * Long.BYTES)};
                }
                dirty.put(index, appended(values, value));
            }
        }
        List<byte[]> earlier = contents.computeIfAbsent(page, _ -> new ArrayList<>());
        earlier.add(before);
        if (earlier.size() > MOST_CONTENTS) {
            earlier.remove(MOST_CONTENTS / 2);
        }
        known[page] = now;
    }

    /** If there are many values, some in the middle are forgotten. */
    private static long[] appended(long[] values, long value) {
        if (values.length == MOST_VALUES) {
            System.arraycopy(values, MOST_VALUES / 2, values, MOST_VALUES / 2 - 1, MOST_VALUES / 2);
        }
        long[] more = Arrays.copyOf(values, Math.min(values.length + 1, MOST_VALUES));
        more[more.length - 1] = value;
        return more;
    }

    /**
     * Notes that the kernel takes the page for dirty from now on, whatever it took it for before.
     */
    private void storedTo(int page) {
        if (!stale.get(page)) {
            return;
        }
        stale.clear(page);
        for (int word = 0; word < PAGE_WORDS; word++) {
            long value = Words.plain(known[page], word * Long.BYTES);
            long onDisk = Words.plain(disk[page], word * Long.BYTES);
            if (value != onDisk) {
                dirty.put(page * PAGE_WORDS + word, new long[] {onDisk, value});
            }
        }
        contents.put(page, new ArrayList<>(List.of(disk[page])));
    }

    /** Notes that somebody stored something to each page of the range, perhaps the same bytes. */
    void stored(long from, long to) throws IOException {
        if (to > live.byteSize()) {
            lengthen(Files.size(file));
        }
        for (long page = from / PAGE_BYTES; page * PAGE_BYTES < to; page++) {
            look((int) page);
            storedTo((int) page);
        }
    }

    /** Makes everything that is dirty in the range durable, and the file's length up to it. */
    void force(long from, long to) throws IOException {
        look();
        var range =
                dirty.subMap((int) (from / Long.BYTES), (int) ((to + Long.BYTES - 1) / Long.BYTES));
        while (!range.isEmpty()) {
            var first = range.firstEntry();
            int page = first.getKey() / PAGE_WORDS;
            byte[] on = disk[page].clone();
            var within =
                    range.subMap(
                            first.getKey(), Math.min(range.lastKey() + 1, (page + 1) * PAGE_WORDS));
            within.forEach((index, values) -> set(on, index, values[values.length - 1]));
            within.clear();
            disk[page] = Arrays.equals(on, known[page]) ? known[page] : on;
            contents.remove(page);
        }
        diskLength = Math.max(diskLength, to);
    }

    private static void set(byte[] page, int index, long value) {
        Words.setPlain(page, index % PAGE_WORDS * Long.BYTES, value);
    }

    /**
     * Plays a force that fails. Afterwards some pages are on disk, and the others are stale or
     * still dirty. Of a stale page, any words may be on disk.
     */
    void fail(long from, long to, Random random) throws IOException {
        look();
        int last = (int) ((to + PAGE_BYTES - 1) / PAGE_BYTES);
        for (int page = (int) (from / PAGE_BYTES); page < last && page < known.length; page++) {
            var words = dirty.subMap(page * PAGE_WORDS, (page + 1) * PAGE_WORDS);
            int fate = random.nextInt(5);
            if (words.isEmpty() || fate == 0) {
                continue;
            }
            byte[] on = fate <= 2 ? known[page] : disk[page].clone();
            if (fate == 4) {
                words.forEach(
                        (index, values) -> set(on, index, values[random.nextInt(values.length)]));
            }
            disk[page] = on;
            words.clear();
            contents.remove(page);
            if (fate > 2) {
                stale.set(page);
            }
        }
    }

    /**
     * Plays a force that fails and brings nothing to the disk. Everything that was dirty is stale.
     */
    void lose(long from, long to) throws IOException {
        look();
        int last = (int) ((to + PAGE_BYTES - 1) / PAGE_BYTES);
        for (int page = (int) (from / PAGE_BYTES); page < last && page < known.length; page++) {
            var words = dirty.subMap(page * PAGE_WORDS, (page + 1) * PAGE_WORDS);
            if (!words.isEmpty()) {
                words.clear();
                contents.remove(page);
                stale.set(page);
            }
        }
    }

    /** Makes the kernel write back all pages, by itself. */
    void writeBack() throws IOException {
        force(0, Files.size(file));
    }

    /**
     * Drops every page whose force failed, and reads it again from the disk. Returns how many there
     * were.
     */
    int revert() throws IOException {
        look();
        int reverted = 0;
        for (int page = stale.nextSetBit(0); page >= 0; page = stale.nextSetBit(page + 1)) {
            if (!Arrays.equals(disk[page], known[page])) {
                MemorySegment.copy(
                        disk[page],
                        0,
                        live,
                        ValueLayout.JAVA_BYTE,
                        (long) page * PAGE_BYTES,
                        PAGE_BYTES);
                known[page] = disk[page];
                reverted++;
            }
        }
        stale.clear();
        return reverted;
    }

    /** Stores a word, as a process would. */
    void store(int at, long value) {
        Words.release(live, at, value);
    }

    /** A word of the live image at the last look. */
    long word(int at) {
        return known.length == 0 ? 0 : Words.plain(known[at / PAGE_BYTES], at % PAGE_BYTES);
    }

    boolean isClean() {
        return dirty.isEmpty() && diskLength >= live.byteSize();
    }

    /** What the disk holds if the power fails now. */
    Image crash(Arrival arrival, Random random) {
        byte[][] pages = disk.clone();
        switch (arrival) {
            case NOTHING -> {}
            case EVERYTHING -> dirtyPages().forEach(page -> pages[page] = known[page]);
            case PAGES -> dirtyPages().forEach(page -> pages[page] = any(page, random));
            case SECTORS -> dirtyPages().forEach(page -> pages[page] = torn(page, random));
            case WORDS -> mix(pages, random);
        }
        long length = length(arrival, random);
        int count = (int) ((length + PAGE_BYTES - 1) / PAGE_BYTES);
        return new Image(count < pages.length ? Arrays.copyOf(pages, count) : pages, length);
    }

    private long length(Arrival arrival, Random random) {
        long longest = live.byteSize();
        return switch (arrival) {
            case NOTHING -> diskLength;
            case EVERYTHING -> longest;
            default ->
                    switch (random.nextInt(4)) {
                        case 0 -> diskLength;
                        case 1 ->
                                diskLength
                                        + random.nextLong(longest - diskLength + 1)
                                                / PAGE_BYTES
                                                * PAGE_BYTES;
                        default -> longest;
                    };
        };
    }

    private List<Integer> dirtyPages() {
        return dirty.keySet().stream().map(index -> index / PAGE_WORDS).distinct().toList();
    }

    private byte[] any(int page, Random random) {
        List<byte[]> earlier = contents.getOrDefault(page, List.of());
        int pick = random.nextInt(earlier.size() + 2);
        return pick == 0
                ? disk[page]
                : pick == 1 || random.nextBoolean() ? known[page] : earlier.get(pick - 2);
    }

    private byte[] torn(int page, Random random) {
        byte[] torn = new byte[PAGE_BYTES];
        for (int at = 0; at < PAGE_BYTES; at += SECTOR_BYTES) {
            System.arraycopy(any(page, random), at, torn, at, SECTOR_BYTES);
        }
        return torn;
    }

    private void mix(byte[][] pages, Random random) {
        int into = -1;
        int old = random.nextInt(8); // of eight words so many stay old
        for (var word : dirty.entrySet()) {
            int page = word.getKey() / PAGE_WORDS;
            if (page != into) {
                into = page;
                pages[page] = pages[page].clone();
            }
            long[] values = word.getValue();
            int pick = random.nextInt(8) < old ? 0 : random.nextInt(values.length);
            set(pages[page], word.getKey(), values[pick]);
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
