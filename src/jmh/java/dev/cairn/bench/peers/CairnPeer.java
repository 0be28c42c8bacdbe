package dev.cairn.bench.peers;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.Options;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Cairn, used through its public interface only, so that another build of it can be measured too.
 * Some keys are always written with a time to live, which never passes here.
 */
final class CairnPeer implements Peer {
    private static final Duration TIME_TO_LIVE = Duration.ofDays(365);

    private final CairnStore store;
    private final int expiringOf256;
    private final boolean syncsItself;

    CairnPeer(Path directory, Setting setting, Entrant entrant) {
        Options options =
                switch (entrant.syncs()) {
                    case PERIODIC ->
                            Options.defaults()
                                    .withCheckpointEvery(Duration.ofMillis(entrant.periodMillis()));
                    case MANUAL -> Options.defaults().withManualCheckpoints();
                    case NEVER -> Options.defaults().withDurability(Durability.NONE);
                };
        store = Cairn.open(directory.resolve("store.cairn"), options);
        expiringOf256 = setting.expiring() * 256 / 100;
        syncsItself = entrant.syncs() == Entrant.Syncs.PERIODIC;
    }

    @Override
    public Session session() {
        return new Session() {
            @Override
            public byte[] get(byte[] key) {
                return store.get(key);
            }

            @Override
            public List<byte[]> getAll(List<byte[]> keys) {
                return store.getAll(keys);
            }

            @Override
            public void put(byte[] key, byte[] value) {
                if ((key[0] & 0xFF) < expiringOf256) {
                    store.put(key, value, TIME_TO_LIVE);
                } else {
                    store.put(key, value);
                }
            }
        };
    }

    @Override
    public void sync() {
        store.checkpoint();
    }

    @Override
    public boolean syncsItself() {
        return syncsItself;
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public void close() {
        store.close();
    }
}
