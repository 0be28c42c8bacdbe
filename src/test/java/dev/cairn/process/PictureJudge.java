package dev.cairn.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.CairnStore;
import dev.cairn.process.Diary.Note;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Judges what a picture of the disk holds. It must be the content of one cut that is no older than
 * the newest checkpoint which had returned before the picture was begun (INVARIANTS 1 and 8). It
 * must be no mixture, and have nothing that was begun later.
 *
 * <p>The content of a lane's keys tells how many of its operations the cut has. If operations
 * removed absent keys, it only tells two numbers between which that lies. Across lanes a rule
 * holds: if the cut has an operation, it must have whatever returned before that operation began,
 * and whatever that operation had seen.
 */
final class PictureJudge {
    private final Ledger ledger;
    private final Diary diary;

    /**
     * The content at each epoch at which a picture was judged. There is only one for each epoch.
     */
    private final Map<Long, Map<String, Long>> contents = new HashMap<>();

    private int newer;
    private long rolledBackWrites;
    private long rolledBackBytes;

    PictureJudge(Ledger ledger, Diary diary) {
        this.ledger = ledger;
        this.diary = diary;
    }

    /**
     * What is certainly durable now.
     *
     * @param epoch the epoch of the newest checkpoint that returned
     * @param must for each lane, the last operation that it holds
     */
    record Durable(long epoch, long[] must) {}

    Durable durable() {
        long epoch = 0;
        long[] must = new long[Diary.LANES];
        for (Note note : diary.notes()) {
            epoch = Math.max(epoch, note.epoch());
            for (int lane = 0; lane < Diary.LANES; lane++) {
                must[lane] = Math.max(must[lane], note.must()[lane]);
            }
        }
        return new Durable(epoch, must);
    }

    /** What is durable after an orderly end: everything that returned. */
    Durable everything() {
        return new Durable(durable().epoch, returned());
    }

    long[] returned() {
        long[] returned = new long[Diary.LANES];
        Arrays.setAll(returned, lane -> ledger.returned(lane, 0));
        return returned;
    }

    /** For each lane, the last operation that was begun. */
    long[] begun() {
        long[] begun = new long[Diary.LANES];
        Arrays.setAll(begun, lane -> ledger.begun(lane, 0));
        return begun;
    }

    /** How many pictures held a checkpoint that had not returned when they were begun. */
    int newer() {
        return newer;
    }

    /** How many acknowledged writes the pictures lacked, as they may. */
    long rolledBackWrites() {
        return rolledBackWrites;
    }

    long rolledBackBytes() {
        return rolledBackBytes;
    }

    /** How many of a lane's operations a cut has: some number between these two. */
    record Prefix(long least, long most) {}

    /**
     * Judges the content of a picture's store.
     *
     * @param before what was durable before the picture was begun
     * @param begun for each lane, the last operation that had begun when the picture was complete
     * @throws AssertionError if the content is not that of one cut between the two
     */
    void judge(CairnStore store, Durable before, long[] begun) {
        long epoch = store.recovery().epoch();
        demand(
                epoch >= before.epoch,
                () -> "epoch %d, %d was durable".formatted(epoch, before.epoch));
        newer += epoch > before.epoch ? 1 : 0;
        Map<String, Long> content = read(store);
        Map<String, Long> other = contents.putIfAbsent(epoch, content);
        demand(
                other == null || other.equals(content),
                () -> "epoch %d had another content".formatted(epoch));

        long[] must = before.must.clone();
        long[] most = begun.clone();
        for (Note note : diary.notes()) {
            for (int lane = 0; lane < Diary.LANES; lane++) {
                if (note.epoch() != Diary.UNKNOWN && note.epoch() <= epoch) {
                    must[lane] = Math.max(must[lane], note.must()[lane]);
                }
                if (note.epoch() >= epoch) {
                    most[lane] = Math.min(most[lane], note.most()[lane]);
                }
            }
        }
        count(cut(content, must, most), begun);
    }

    /**
     * The one cut that has this content.
     *
     * @param must for each lane, the last operation that the cut must have
     * @param most for each lane, the last operation that the cut may have
     */
    List<Prefix> cut(Map<String, Long> content, long[] must, long[] most) {
        List<Prefix> cut = new ArrayList<>();
        for (int lane = 0; lane < Diary.LANES; lane++) {
            cut.add(prefix(lane, must[lane], most[lane], content));
        }
        judgeOrder(cut);
        judgeSeen(cut);
        return cut;
    }

    /** What a lane's keys hold after a number of its operations. */
    static Map<String, Long> contentAfter(int lane, long operations) {
        Map<String, Long> content = new HashMap<>();
        for (long operation = 1; operation <= operations; operation++) {
            String key = PicturedLane.key(lane, PicturedLane.keyOf(lane, operation));
            if (PicturedLane.removes(lane, operation)) {
                content.remove(key);
            } else {
                content.put(key, operation);
            }
        }
        return content;
    }

    /** For each entry, the operation that put it. Each value is compared byte for byte. */
    static Map<String, Long> read(CairnStore store) {
        Map<String, Long> content = new HashMap<>();
        store.forEach((bytes, value) -> {
            String key = new String(bytes, UTF_8);
            Values.Said said = Values.whole(key, value);
            int lane = said.writer();
            demand(
                    Arrays.equals(value, PicturedLane.value(lane, said.sequence())),
                    () ->
                            "%s is not what operation %d of lane %d put"
                                    .formatted(key, said.sequence(), lane));
            demand(
                    content.put(key, said.sequence()) == null,
                    () -> "%s is there twice".formatted(key));
            byte[] found = store.get(bytes);
            demand(
                    Arrays.equals(found, value),
                    () -> "%s is found otherwise than walked".formatted(key));
        });
        demand(
                content.size() == store.size(),
                () -> "%d by walk, %d by size".formatted(content.size(), store.size()));
        return content;
    }

    /** Which numbers of operations leave a lane's keys as they are. */
    private static Prefix prefix(int lane, long must, long most, Map<String, Long> content) {
        @Nullable Long[] found = new Long[PicturedLane.KEYS];
        Arrays.setAll(found, key -> content.get(PicturedLane.key(lane, key)));
        long[] played = new long[PicturedLane.KEYS];
        int differing = 0;
        for (Long each : found) {
            differing += each == null ? 0 : 1;
        }
        List<Long> all = new ArrayList<>();
        for (long operation = 0; operation <= most; operation++) {
            if (operation > 0) {
                int key = PicturedLane.keyOf(lane, operation);
                long is = found[key] == null ? 0 : found[key];
                differing -= played[key] == is ? 0 : 1;
                played[key] = PicturedLane.removes(lane, operation) ? 0 : operation;
                differing += played[key] == is ? 0 : 1;
            }
            if (differing == 0) {
                all.add(operation);
            }
        }
        List<Long> fitting = all.stream().filter(each -> each >= must).toList();
        demand(
                !fitting.isEmpty(),
                () ->
                        "lane %d shows no prefix from %d to %d%s"
                                .formatted(
                                        lane,
                                        must,
                                        most,
                                        all.isEmpty()
                                                ? ", nor an older one"
                                                : ", but " + all.getLast()));
        return new Prefix(fitting.getFirst(), fitting.getLast());
    }

    /** If the cut has an operation, it must have whatever returned before that operation began. */
    private void judgeOrder(List<Prefix> cut) {
        long begun = 0;
        for (int lane = 0; lane < Diary.LANES; lane++) {
            long last = cut.get(lane).least;
            begun = last == 0 ? begun : Math.max(begun, diary.begun(lane, last));
        }
        long latest = begun;
        for (int each = 0; each < Diary.LANES; each++) {
            int lane = each;
            long missing = cut.get(lane).most + 1;
            long returned = diary.returned(lane, missing);
            demand(
                    returned == 0 || returned >= latest,
                    () ->
                            "operation %d of lane %d is missing from the cut %s, and returned %d ns before the last"
                                    .formatted(missing, lane, cut, latest - returned));
        }
    }

    private void judgeSeen(List<Prefix> cut) {
        for (int lane = 0; lane < Diary.LANES; lane++) {
            for (long operation = 1; operation <= cut.get(lane).least; operation++) {
                int other = PicturedLane.lookedAt(lane, operation);
                long seen = diary.seen(lane, operation);
                if (seen > cut.get(other).most) {
                    throw new AssertionError(
                            "operation %d of lane %d saw %d of lane %d, missing from the cut %s"
                                    .formatted(operation, lane, seen, other, cut));
                }
            }
        }
    }

    /**
     * Counts what the cut lacks of the operations that were begun. All but the last of each lane
     * had returned.
     */
    private void count(List<Prefix> cut, long[] begun) {
        for (int lane = 0; lane < Diary.LANES; lane++) {
            for (long lost = cut.get(lane).most + 1; lost < begun[lane]; lost++) {
                rolledBackWrites++;
                rolledBackBytes += PicturedLane.bytesOf(lane, lost);
            }
        }
    }

    private static void demand(boolean holds, Supplier<String> otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise.get());
        }
    }
}
