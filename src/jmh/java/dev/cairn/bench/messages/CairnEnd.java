package dev.cairn.bench.messages;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.Options;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A store whose keys are two bounded rings, one for each direction. A message overwrites the one
 * that is a ring's length older. If each message is answered, it overwrites the last one. The
 * receiver looks at a message where it lies. After each quarter of the ring it puts how far it is
 * to a key of its own. The sender waits for that before it overwrites what is unread.
 */
final class CairnEnd implements End {
    /**
     * Whoever waited in vain looks and waits again. In the end, whoever started the process ends
     * it.
     */
    private static final Duration AWHILE = Duration.ofSeconds(10);

    private static final Duration SPINNING = Duration.ofNanos(100_000);

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    private final Content content;
    private final Way way;
    private final int slots;
    private final CairnStore store;
    private final Lane out;
    private final Lane in;
    private final byte[][] values;
    private final MemorySegment[] memories;

    /** The versions of the messages that were waited for last. */
    private final long[] seen;

    private final byte[] progress = new byte[Long.BYTES];
    private final List<Map.Entry<byte[], byte[]>> gathered = new ArrayList<>();
    private final Function<MemorySegment, @Nullable Phase> look = this::look;

    /** The number of the message that is wanted. */
    private long wanted;

    /** How many messages the other end is done with, as far as was seen. */
    private long done;

    /**
     * The keys of one direction: those of the messages, and the one that says how far their
     * receiver is.
     */
    private record Lane(byte[][] messages, byte[] progress) {
        static Lane of(String name, int slots) {
            byte[][] messages = new byte[slots][];
            for (int i = 0; i < slots; i++) {
                messages[i] = (name + i).getBytes(UTF_8);
            }
            return new Lane(messages, (name + "done").getBytes(UTF_8));
        }
    }

    CairnEnd(Case what, Content content, int stripes, Path file, boolean first) {
        this.content = content;
        this.way = what.way();
        this.slots = what.direction() == Direction.PING_PONG ? 1 : Slots.of(content.bytes());
        Options options =
                Options.defaults()
                        .withStripes(stripes)
                        .withSpinning(way.spinning() ? SPINNING : Duration.ZERO);
        store = Cairn.open(file, way.durable() ? options : options.withDurability(Durability.NONE));
        out = Lane.of(first ? "there" : "back", slots);
        in = Lane.of(first ? "back" : "there", slots);
        seen = new long[slots];
        values = new byte[way.batchOf()][content.bytes()];
        memories = new MemorySegment[values.length];
        for (int i = 0; i < values.length; i++) {
            memories[i] = MemorySegment.ofArray(values[i]);
            content.fill(memories[i], 0);
        }
    }

    @Override
    public void send(long sequence, Phase phase) throws InterruptedException {
        awaitRoom(sequence);
        byte[] key = out.messages[slot(sequence)];
        int index = gathered.size();
        content.stamp(memories[index], 0, sequence, phase);
        if (!way.batch()) {
            store.put(key, values[index]);
            return;
        }
        gathered.add(Map.entry(key, values[index]));
        if (gathered.size() == values.length || phase == Phase.END) {
            store.putAll(gathered);
            gathered.clear();
        }
    }

    /** Waits until there is room. If each message is answered before the next, there always is. */
    private void awaitRoom(long sequence) throws InterruptedException {
        while (slots > 1 && sequence - done >= slots) {
            long version = store.version(out.progress);
            byte[] told = store.get(out.progress);
            done = told == null ? 0 : MemorySegment.ofArray(told).get(WORD, 0);
            if (sequence - done >= slots) {
                store.awaitChange(out.progress, version, AWHILE);
            }
        }
    }

    @Override
    public Phase receive(long sequence) throws InterruptedException {
        int slot = slot(sequence);
        byte[] key = in.messages[slot];
        wanted = sequence;
        Phase phase = slots > 1 ? store.read(key, look) : null;
        while (phase == null) {
            seen[slot] = store.awaitChange(key, seen[slot], AWHILE);
            phase = store.read(key, look);
        }
        if (slots > 1 && Slots.isTold(sequence, slots)) {
            MemorySegment.ofArray(progress).set(WORD, 0, sequence + 1);
            store.put(in.progress, progress);
        }
        return phase;
    }

    /** Looks at a value. Returns null if an older message is there. */
    private @Nullable Phase look(MemorySegment value) {
        return Content.sequence(value, 0) < wanted ? null : content.check(value, 0, wanted);
    }

    private int slot(long sequence) {
        return (int) (sequence & (slots - 1));
    }

    @Override
    public void close() {
        store.close();
    }
}
