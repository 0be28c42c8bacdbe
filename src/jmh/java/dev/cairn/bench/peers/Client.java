package dev.cairn.bench.peers;

import org.HdrHistogram.Histogram;

import java.util.SplittableRandom;

/**
 * One thread at work on a store. A value begins with the first word of its key, so that every read is
 * judged, and goes on with a random one.
 */
final class Client implements AutoCloseable {
    private final Peer.Session session;
    private final Keys keys;
    private final byte[] key;
    private final byte[] value;

    /** The newest value that was read: nobody may leave out the copy. */
    private byte[] read = {};

    Client(Peer peer, Setting setting, Keys keys) throws Exception {
        this.session = peer.session();
        this.keys = keys;
        this.key = new byte[setting.keyBytes()];
        this.value = new byte[setting.valueBytes()];
        new SplittableRandom(5).nextBytes(value);
    }

    void work(int readPercent, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            long random = keys.random();
            Keys.write(key, keys.entry(random));
            if (((random & 0xFFFF) * 100) >>> 16 < readPercent) {
                get();
            } else {
                put(random);
            }
        }
    }

    /** Overwrites, and notes in nanoseconds how long each put took. */
    void work(Histogram puts, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            long random = keys.random();
            Keys.write(key, keys.entry(random));
            long start = System.nanoTime();
            put(random);
            puts.recordValue(System.nanoTime() - start);
        }
    }

    void load(int entries) throws Exception {
        for (int entry = 0; entry < entries; entry++) {
            Keys.write(key, entry);
            put(entry);
        }
    }

    private void get() throws Exception {
        read = session.get(key);
        if (read == null
                || read.length != value.length
                || Keys.word(read, 0) != Keys.word(key, 0)) {
            throw new IllegalStateException("lost or wrong: entry " + Keys.entry(key));
        }
    }

    private void put(long content) throws Exception {
        Keys.setWord(value, 0, Keys.word(key, 0));
        Keys.setWord(value, 8, content);
        session.put(key, value);
    }

    @Override
    public void close() {
        session.close();
    }
}
