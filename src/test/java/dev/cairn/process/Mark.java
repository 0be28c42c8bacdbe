package dev.cairn.process;

import dev.cairn.codec.Codec;
import dev.cairn.codec.Input;
import dev.cairn.codec.Output;

/**
 * A value of a map that says which operation wrote it: of a lane's key the number of its operation, of
 * a counter the count. Encoded with a checksum, to a size that is a function of all three.
 */
record Mark(int lane, int key, long sequence) {
    /** In place of a lane: all increment it. */
    static final int COUNTER = -1;

    static final Codec<Mark> CODEC =
            new Codec<>() {
                @Override
                public void encode(Mark mark, Output out) {
                    out.write(mark.bytes());
                }

                @Override
                public Mark decode(Input in) {
                    return of(Values.whole(in.readAllBytes()));
                }
            };

    private byte[] bytes() {
        return lane == COUNTER
                ? Values.of(Workload.counterKey(key), 0, sequence, 0)
                : Workload.value(lane, key, sequence);
    }

    private static Mark of(Values.Said said) {
        String[] name = said.key().replaceAll("x*$", "").split("/", -1);
        int key = Integer.parseInt(name[1]);
        return name[0].equals("counter")
                ? new Mark(COUNTER, key, said.sequence())
                : new Mark(
                        Integer.parseInt(name[0].substring("lane".length())), key, said.sequence());
    }

    /** The name of its key. */
    String name() {
        return lane == COUNTER ? Workload.counterKey(key) : Workload.laneKey(lane, key);
    }
}
