package dev.cairn.bench.peers;

import org.HdrHistogram.Histogram;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * One thread that works on a store. A value begins with the first word of its key, so that every
 * read can be judged. If there is room, a random word follows.
 *
 * <p>Whatever a client writes to for itself is new in each batch, or is touched only between
 * operations. Garbage collection puts old objects of two threads side by side, and the threads
 * would fight for the cache line.
 */
final class Client implements AutoCloseable {
    private final Peer.Session session;
    private final Keys keys;
    private final int keyBytes;
    private final byte[] content;

    /**
     * The newest value that was read in a batch. It is kept so that the copy cannot be optimised
     * away.
     */
    private byte[] read = {};

    Client(Peer peer, Setting setting, Keys keys) throws Exception {
        this.session = peer.session();
        this.keys = keys;
        this.keyBytes = setting.keyBytes();
        this.content = new byte[setting.valueBytes()];
        new SplittableRandom(5).nextBytes(content);
    }

    void work(int readPercent, int count) throws Exception {
        Keys.Batch batch = keys.draw(count);
        byte[] key = new byte[keyBytes];
        byte[] value = content.clone();
        byte[] last = read;
        for (int i = 0; i < count; i++) {
            long random = batch.randoms()[i];
            Keys.write(key, batch.entries()[i]);
            if (((random & 0xFFFF) * 100) >>> 16 < readPercent) {
                last = get(key);
            } else {
                put(key, value, random);
            }
        }
        read = last;
    }

    /** Reads a number of keys with each call. */
    void readTogether(int keysACall, int count) throws Exception {
        Keys.Batch batch = keys.draw(count);
        for (int i = 0; i < count; i += keysACall) {
            List<byte[]> asked = new ArrayList<>(keysACall);
            for (int j = i; j < Math.min(count, i + keysACall); j++) {
                byte[] key = new byte[keyBytes];
                Keys.write(key, batch.entries()[j]);
                asked.add(key);
            }
            List<byte[]> values = session.getAll(asked);
            for (int j = 0; j < asked.size(); j++) {
                judge(asked.get(j), values.get(j));
            }
            read = values.getLast();
        }
    }

    /** Overwrites values, and notes in nanoseconds how long each put took. */
    void work(Histogram puts, int count) throws Exception {
        Keys.Batch batch = keys.draw(count);
        byte[] key = new byte[keyBytes];
        byte[] value = content.clone();
        for (int i = 0; i < count; i++) {
            Keys.write(key, batch.entries()[i]);
            long start = System.nanoTime();
            put(key, value, batch.randoms()[i]);
            puts.recordValue(System.nanoTime() - start);
        }
    }

    void load(int entries) throws Exception {
        byte[] key = new byte[keyBytes];
        byte[] value = content.clone();
        for (int entry = 0; entry < entries; entry++) {
            Keys.write(key, entry);
            put(key, value, entry);
        }
    }

    private byte[] get(byte[] key) throws Exception {
        byte[] value = session.get(key);
        judge(key, value);
        return value;
    }

    private void judge(byte[] key, byte[] value) {
        if (value == null
                || value.length != content.length
                || Keys.word(value, 0) != Keys.word(key, 0)) {
            throw new IllegalStateException("lost or wrong: entry " + Keys.entry(key));
        }
    }

    private void put(byte[] key, byte[] value, long second) throws Exception {
        Keys.setWord(value, 0, Keys.word(key, 0));
        if (value.length >= 2 * Long.BYTES) {
            Keys.setWord(value, Long.BYTES, second);
        }
        session.put(key, value);
    }

    @Override
    public void close() {
        session.close();
    }
}
