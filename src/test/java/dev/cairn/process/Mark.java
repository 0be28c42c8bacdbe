package dev.cairn.process;

import dev.cairn.codec.Codec;
import dev.cairn.codec.Input;
import dev.cairn.codec.Output;

/**
 * A value of a map that says which operation wrote it. For a lane's key it has the number of the
 * lane's operation, for a counter the count. It is encoded with a checksum, to a size that is a
 * function of lane, key and number.
 */
record Mark(int lane, int key, long sequence) {
    /** Stands in place of a lane in a counter, which all lanes increment. */
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

    /** The name of this value's key. */
    String name() {
        return lane == COUNTER ? Workload.counterKey(key) : Workload.laneKey(lane, key);
    }
}
