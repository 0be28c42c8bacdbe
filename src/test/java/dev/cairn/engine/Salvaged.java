package dev.cairn.engine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.cairn.Cairn;
import dev.cairn.CairnException;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Salvage;
import dev.cairn.SmallScale;
import dev.cairn.format.DataHeader;
import dev.cairn.format.RegionHeader;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * A store with a random history that is damaged at random, and what a salvage must make of it.
 * Every key and every value is long and random. So its bytes show where it lies in the file,
 * without any knowledge of the format.
 */
final class Salvaged {
    private static final int REGION_BYTES = SmallScale.REGION_BYTES;
    private static final int LEAST_LENGTH = 12;
    private static final int UNIT_BYTES = 16;

    /** More than what stands in a record before its key. */
    private static final int BEFORE_KEY_BYTES = 64;

    /** A longer key may lie in a run. Then nothing shows where its record is. */
    private static final int LONGEST_KEY_IN_RECORD = 1000;

    private static final Salvage NOTHING =
            new SalvageResult(0, false, 0, 0, 0, 0, 0, 0, List.of(), List.of(), List.of());

    private final Path directory;
    private final Random random;
    private final int stripes;
    private final Map<String, String> entries = new HashMap<>();
    private final List<String> keys = new ArrayList<>();
    private final byte[] soundData;

    /**
     * The units of the file on which an entry may depend: all units that hold its bytes, and the
     * headers of regions.
     */
    private final Map<String, BitSet> places = new HashMap<>();

    /** The outcome of one damage. */
    record Outcome(Salvage report, List<String> wrong, int untouched, int missing) {}

    Salvaged(Path directory, Random random) throws IOException {
        this.directory = directory;
        this.random = random;
        this.stripes = 1 << random.nextInt(3);
        Path file = directory.resolve("made.cairn");
        try (var _ = new SmallScale()) {
            int sessions = 1 + random.nextInt(4);
            boolean overwrites = random.nextInt(4) != 0;
            for (int session = 0; session < sessions; session++) {
                try (CairnStore store = Cairn.open(file, options(random.nextBoolean()))) {
                    work(store, overwrites);
                }
                if (random.nextInt(3) == 0) {
                    Files.delete(shared(file)); // so that the next open recovers
                }
            }
            Cairn.open(file, options(true)).close();
        }
        soundData = Files.readAllBytes(file);
        String bytes = new String(soundData, ISO_8859_1);
        for (Map.Entry<String, String> entry : entries.entrySet()) {
            BitSet where = new BitSet();
            addPlaces(bytes, entry.getKey(), where);
            addPlaces(bytes, entry.getValue(), where);
            if (entry.getKey().length() > LONGEST_KEY_IN_RECORD) {
                where.set(0, bytes.length() / UNIT_BYTES);
            }
            places.put(entry.getKey(), where);
        }
    }

    private Options options(boolean manual) {
        Options options = Options.defaults().withStripes(stripes);
        return manual ? options.withManualCheckpoints() : options;
    }

    private static Path shared(Path file) {
        return file.resolveSibling(file.getFileName() + "-shm");
    }

    private void work(CairnStore store, boolean overwrites) {
        int operations = 20 + random.nextInt(300);
        for (int i = 0; i < operations; i++) {
            boolean fresh = keys.isEmpty() || !overwrites || random.nextInt(3) == 0;
            String key = fresh ? text(length(1100)) : keys.get(random.nextInt(keys.size()));
            if (fresh) {
                keys.add(key);
            }
            byte[] bytes = key.getBytes(ISO_8859_1);
            if (!fresh && random.nextInt(4) == 0) {
                long _ = store.remove(bytes);
                entries.remove(key);
                continue;
            }
            String value = text(length(9000));
            if (random.nextInt(5) == 0) {
                store.put(bytes, value.getBytes(ISO_8859_1), Duration.ofDays(30));
            } else {
                store.put(bytes, value.getBytes(ISO_8859_1));
            }
            entries.put(key, value);
            if (random.nextInt(60) == 0) {
                long _ = store.checkpoint();
            }
        }
    }

    /** Mostly a short length, and now and then one that needs a run. */
    private int length(int longest) {
        return LEAST_LENGTH + random.nextInt(random.nextInt(8) == 0 ? longest : 120);
    }

    private String text(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return new String(bytes, ISO_8859_1);
    }

    private void addPlaces(String bytes, String part, BitSet where) {
        for (int at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) {
            int end = at + part.length();
            where.set((at - BEFORE_KEY_BYTES) / UNIT_BYTES, end / UNIT_BYTES + 1);
            for (int region = region(at); region <= region(end - 1); region++) {
                int header = (regionsAt() + region * REGION_BYTES) / UNIT_BYTES;
                where.set(header, header + BEFORE_KEY_BYTES / UNIT_BYTES);
            }
        }
    }

    private int regionsAt() {
        return (int) DataHeader.slotAt(2, stripes);
    }

    private int region(int at) {
        return (at - regionsAt()) / REGION_BYTES;
    }

    byte[] sound() {
        return soundData.clone();
    }

    /** Damages a copy of the file. Afterwards, the touched bytes are those that differ. */
    byte[] damaged() {
        byte[] bytes = soundData.clone();
        int kept = bytes.length;
        int blows = 1 + random.nextInt(4);
        for (int blow = 0; blow < blows; blow++) {
            int at = place();
            switch (random.nextInt(7)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> fill(bytes, at & -512, 512, false);
                case 2 -> fill(bytes, at & -512, 512, true);
                case 3 -> fill(bytes, at & -4096, 4096, random.nextBoolean());
                case 4 -> fill(bytes, at, 1 + random.nextInt(200), true);
                case 5 -> copyRegion(bytes);
                default -> kept = random.nextInt(4) == 0 ? Math.max(at, regionsAt()) : kept;
            }
        }
        return Arrays.copyOf(bytes, kept);
    }

    private int place() {
        return random.nextInt(8) == 0
                ? random.nextInt(regionsAt())
                : regionsAt() + random.nextInt(soundData.length - regionsAt());
    }

    private void fill(byte[] bytes, int from, int length, boolean noise) {
        for (int at = from; at < Math.min(bytes.length, from + length); at++) {
            bytes[at] = noise ? (byte) random.nextInt() : 0;
        }
    }

    private void copyRegion(byte[] bytes) {
        int count = (bytes.length - regionsAt()) / REGION_BYTES;
        int from = regionsAt() + random.nextInt(count) * REGION_BYTES;
        int to = regionsAt() + random.nextInt(count) * REGION_BYTES;
        System.arraycopy(soundData, from, bytes, to, REGION_BYTES);
    }

    /** Salvages a file with those bytes, and judges the result. */
    Outcome salvage(byte[] bytes, boolean withIndex, boolean onlyProven) throws IOException {
        Path source = directory.resolve("made.cairn");
        Path target = directory.resolve("target.cairn");
        Path alone = directory.resolve("alone.cairn");
        Path file = withIndex ? source : alone;
        Files.write(file, bytes);
        Salvage report;
        try {
            report = Cairn.salvage(file, target, onlyProven, (_, _) -> {});
        } catch (CairnException e) {
            Files.deleteIfExists(alone);
            List<String> refused = mayBeRefused(bytes) ? List.of() : List.of("refused: " + e);
            return new Outcome(NOTHING, refused, 0, 0);
        }
        Map<String, String> found = new HashMap<>();
        List<String> wrong = new ArrayList<>();
        if (!Arrays.equals(Files.readAllBytes(file), bytes)) {
            wrong.add("the source was changed");
        }
        try (CairnStore store = Cairn.open(target)) {
            store.forEach((key, value) ->
                    found.put(new String(key, ISO_8859_1), new String(value, ISO_8859_1)));
            wrong.addAll(store.verify().damages());
            if (store.size() != report.entries()) {
                wrong.add("has %d entries, told %d".formatted(store.size(), report.entries()));
            }
        }
        for (String suffix : new String[] {"", "-shm", "-lock"}) {
            Files.deleteIfExists(Path.of(target + suffix));
        }
        Files.deleteIfExists(alone);
        return judge(report, found, bytes, onlyProven, wrong);
    }

    /**
     * Whether salvage may refuse the bytes. If the header is destroyed, and both slots or all
     * regions too, nothing says what the store looks like.
     */
    private boolean mayBeRefused(byte[] bytes) {
        int first = (int) DataHeader.CHECKPOINT_SLOTS_AT;
        int second = (int) DataHeader.slotAt(1, stripes);
        return differs(bytes, 0, DataHeader.BYTES)
                && (isGone(bytes, first, second) && isGone(bytes, second, regionsAt())
                        || hasNoRegion(bytes));
    }

    private boolean hasNoRegion(byte[] bytes) {
        for (int at = regionsAt(); at + RegionHeader.BYTES <= bytes.length; at += REGION_BYTES) {
            if (!isGone(bytes, at, at + RegionHeader.BYTES)) {
                return false;
            }
        }
        return true;
    }

    /** Whether a slot or the header of a region was damaged or never written. */
    private boolean isGone(byte[] bytes, int from, int to) {
        return differs(bytes, from, to)
                || Arrays.equals(soundData, from, to, new byte[to - from], 0, to - from);
    }

    private boolean differs(byte[] bytes, int from, int to) {
        return !Arrays.equals(bytes, from, to, soundData, from, to);
    }

    private Outcome judge(
            Salvage report,
            Map<String, String> found,
            byte[] bytes,
            boolean onlyProven,
            List<String> wrong) {
        Set<String> uncertain = new HashSet<>();
        report.uncertainKeys().forEach(key -> uncertain.add(new String(key, ISO_8859_1)));
        found.forEach((key, value) -> {
            boolean right = value.equals(entries.get(key));
            if (!right && (onlyProven || !uncertain.contains(key))) {
                wrong.add(entries.containsKey(key) ? "an old value" : "a removed key");
            }
        });
        BitSet touched = touched(bytes);
        int slotsAt = (int) DataHeader.CHECKPOINT_SLOTS_AT;
        boolean slotsTouched = differs(bytes, slotsAt, regionsAt());
        int untouched = 0;
        int missing = 0;
        for (String key : entries.keySet()) {
            if (!slotsTouched && !places.get(key).intersects(touched)) {
                untouched++;
                boolean leftOut = onlyProven && uncertain.contains(key);
                missing += found.containsKey(key) || leftOut ? 0 : 1;
            }
        }
        if (missing > 0) {
            wrong.add("%d of %d untouched entries are missing".formatted(missing, untouched));
        }
        return new Outcome(report, wrong, untouched, missing);
    }

    private BitSet touched(byte[] bytes) {
        BitSet touched = new BitSet();
        for (int at = regionsAt(); at < soundData.length; at++) {
            if (at >= bytes.length || bytes[at] != soundData[at]) {
                touched.set(at / UNIT_BYTES);
            }
        }
        return touched;
    }

    int entries() {
        return entries.size();
    }
}
