package dev.cairn.log;

import dev.cairn.Cairn;
import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Beside;
import dev.cairn.index.Mapped;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The files of a closed store, whose regions are what a test says. */
abstract class RegionsFixture {
    static final int STRIPES = 2;

    /** The durable epoch, and the one to come. */
    static final long DURABLE = 5;

    static final long EPOCH = 7;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    SmallScale scale;
    Mapped mapped;
    DataFile data;
    SharedMemory shared;
    SharedMemory.Locks locks;
    long count;

    int regionBytes() {
        return SmallScale.REGION_BYTES;
    }

    Options options() {
        return Options.defaults().withStripes(STRIPES);
    }

    /** All regions are alive at first, and no count says anything. */
    @BeforeEach
    void make() throws IOException {
        scale = new SmallScale();
        System.setProperty("dev.cairn.region-bytes", Integer.toString(regionBytes()));
        Path file = directory.resolve("store.cairn");
        try (var store = Cairn.open(file, options())) {
            for (int key = 0; key < 600; key++) {
                store.put(Content.key(key), Content.value(key, 1, 80));
            }
        }
        mapped = Beside.map(file);
        data = mapped.data();
        shared = mapped.shared();
        ProcessTable processes = ProcessTable.solitary(file, shared.base());
        locks =
                new SharedMemory.Locks(
                        shared.base(), processes, new Contention(), TimeUnit.SECONDS.toNanos(10));
        count = data.regions();
        for (int region = 0; region < count; region++) {
            own(region, OwnerWords.alive(1, 100 + region), EPOCH, 0, 0);
        }
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            shared.stripe(stripe).release(StripeWords.NEXT, 0);
            shared.stripe(stripe).release(StripeWords.NEXT_RUN, 0);
        }
        set(SharedLayout.DURABLE, DURABLE);
        set(SharedLayout.EPOCH, EPOCH);
        set(SharedLayout.FREE_HINT, 0);
        set(SharedLayout.HOLE_HINT, 0);
        set(SharedLayout.WAITING_HINT, 0);
        set(SharedLayout.CUT_WAITING_HINT, 0);
        set(SharedLayout.DOUBT, 0);
        set(SharedLayout.CLAIM_HINT, 0);
    }

    @AfterEach
    void close() {
        Steps.listen(null);
        mapped.close();
        scale.close();
    }

    void set(int field, long value) {
        shared.release(field, value);
    }

    long word(int field) {
        return shared.acquire(field);
    }

    void own(long region, long owner, long birth, long death, long hole) {
        long at = shared.ownerAt(region);
        var memory = shared.covering(at, OwnerWords.BYTES);
        Words.release(memory, at + OwnerWords.OWNER, owner);
        Words.release(memory, at + OwnerWords.BIRTH, birth);
        Words.release(memory, at + OwnerWords.DEATH, death);
        Words.release(memory, at + OwnerWords.HOLE, hole);
    }

    long owner(long region, int field) {
        return data.owner(region, field);
    }

    /** Makes regions dead since before the durable checkpoint. */
    void makeFree(long... regions) {
        for (long region : regions) {
            own(region, OwnerWords.dead(OwnerWords.alive(1, 100 + region)), 2, 3, 0);
        }
    }

    void makeHole(long region) {
        own(region, OwnerWords.dead(OwnerWords.alive(1, 100 + region)), 2, 3, 1);
    }

    /** Makes a region dead in an epoch that is not durable. */
    void makeWait(long region, long death) {
        own(region, OwnerWords.dead(OwnerWords.alive(1, 100 + region)), 2, death, 0);
    }

    static long freeWord(long generation, long count) {
        return generation << 40 | count & (1L << 40) - 1;
    }
}
