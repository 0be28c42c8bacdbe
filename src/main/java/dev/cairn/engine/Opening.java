package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreInUse;
import dev.cairn.StoreReplaced;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.checkpoint.Healer;
import dev.cairn.checkpoint.Replay;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.OpenBlock;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Mapped;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.Access;
import dev.cairn.os.Faults;
import dev.cairn.os.Host;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;
import dev.cairn.os.Pages;
import dev.cairn.os.Steps;
import dev.cairn.stripe.Stripes;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/*
 * Actors    processes that open, close and are killed, of which one at a time holds the open lock.
 * Words     the open block in the data file; identity, READY and clean mark in the shared-memory file.
 * Steps     O1 open lock; is anybody alive?
 *           O2 data file, created if absent: complete, then linked; its lock (DataLock)
 *           O3 look at the shared-memory file
 *           O4 usable, somebody alive: join
 *              usable, nobody alive:   join, repair, verify what lies behind the last checkpoint
 *              clean:                  clear the mark, force, boot id, open block, join
 *              useless, nobody alive:  build a new one: replay, checkpoint, ready, open block, rename
 *              useless, somebody alive: refuse
 *           O5 release the open lock
 * Why it is safe
 *           Members hold the kernel lock of their process slot while they use the files, or answer a process that
 *           finds it free (lock.RollCall). So if nobody is alive and this process has the open lock,
 *           nobody uses the files or will before O5 (RULES 5, 23).
 *           A process with another lock file is seen by the lock on the data file itself (DataLock).
 *           A new file has a nonce of its own; the open block has it before the file gets its name, so
 *           no older file is ever taken for it.
 * If a process dies here
 *           The kernel releases the open lock. The next opener repeats everything up to the rename: a
 *           file that is not renamed belongs to nobody.
 * If power fails here
 *           The newest valid checkpoint slot stays: before its own checkpoint is durable, a recovery writes only
 *           zeros behind its tails and the other slot.
 */
/** Opens a store for writing. */
final class Opening {
    /** How many times a recovery goes over the file: replay, blocks, store again, force. */
    private static final int PASSES = 4;

    /** How many times the files may be removed between two looks at them. */
    private static final int ATTEMPTS = 10;

    /**
     * The pause between two looks whether all others have left a store that is to be rolled back.
     */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final StoreFiles files;
    private final Options options;
    private final KernelLocks kernel;
    private final DataLock dataLock;
    private final long start = System.nanoTime();

    private Opening(StoreFiles files, Options options, KernelLocks kernel, DataLock dataLock) {
        this.files = files;
        this.options = options;
        this.kernel = kernel;
        this.dataLock = dataLock;
    }

    static Engine open(StoreFiles files, Options options) throws IOException {
        long deadline = System.nanoTime() + options.lockTimeout().toNanos();
        while (true) {
            try {
                return openPresent(files, options);
            } catch (StoreInUse e) {
                if (System.nanoTime() - deadline > 0) {
                    throw e;
                }
                LockSupport.parkNanos(PAUSE_NANOS); // a killed process may take a while to die
            }
        }
    }

    private static Engine openPresent(StoreFiles files, Options options) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                Engine engine = tryOpen(files, options);
                if (engine != null) {
                    return engine;
                }
            } catch (NoSuchFileException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /**
     * Opens the store; null if it was removed while this process waited for it, so that its lock
     * file belongs to nobody.
     */
    private static @Nullable Engine tryOpen(StoreFiles files, Options options) throws IOException {
        requireFitting(files, options);
        KernelLocks kernel = KernelLocks.open(files.lock(), access(files, options));
        Engine engine = null;
        try {
            KernelLocks.Held open = OpenLock.exclusive(files, kernel, options.lockTimeout()); // O1
            try {
                engine = kernel.isNamed() ? openWatched(files, options, kernel) : null;
                return engine;
            } finally {
                open.release(); // O5
            }
        } finally {
            if (engine == null) {
                kernel.close();
            }
        }
    }

    /**
     * The access to new files. If the lock file was lost, the new one is for those who may use the
     * data.
     */
    private static Access access(StoreFiles files, Options options) throws IOException {
        return Files.exists(files.data())
                ? Access.like(files.data())
                : Access.of(options.permissions());
    }

    /**
     * Refuses what can be refused before any file is created, for example a lock file without a
     * store.
     */
    private static void requireFitting(StoreFiles files, Options options) throws IOException {
        JointOptions.require(files.data(), header(files, options), options);
    }

    private static DataHeader header(StoreFiles files, Options options) throws IOException {
        if (!Files.exists(files.data())) {
            return DataFiles.headerOf(options);
        }
        files.requireOneName();
        try (OpenFile data = OpenFile.open(files.data(), false)) {
            return DataFiles.readHeader(data);
        }
    }

    private static Engine openWatched(StoreFiles files, Options options, KernelLocks kernel)
            throws IOException {
        if (!Files.exists(files.data()) || Files.size(files.data()) < LongRecovery.LEAST_BYTES) {
            return openHolding(files, options, kernel);
        }
        try (LongRecovery _ = new LongRecovery(files)) {
            return openHolding(files, options, kernel);
        }
    }

    private static Engine openHolding(StoreFiles files, Options options, KernelLocks kernel)
            throws IOException {
        boolean created = !Files.exists(files.data());
        boolean alone = nobodyAlive(files, kernel);
        if (created) {
            if (!alone) {
                throw refusal(files.data(), "the data file is gone");
            }
            DataFiles.create(files, options); // O2
        }
        DataLock dataLock = DataLock.open(files, true);
        Engine engine = null;
        try {
            if (alone) {
                dataLock.requireNobody();
            }
            DataFiles.removeLeftovers(files);
            files.requireOneName();
            engine = new Opening(files, options, kernel, dataLock).openFiles(alone);
            return engine;
        } finally {
            if (engine == null) {
                dataLock.close();
            }
        }
    }

    private Engine openFiles(boolean alone) throws IOException {
        OpenFile data = openData();
        Engine engine = null;
        try {
            DataFiles.Prefix prefix = DataFiles.read(data);
            JointOptions.require(files.data(), prefix.header(), options);
            engine =
                    switch (SharedFiles.look(files, data, prefix, true)) { // O3
                        case SharedFiles.Usable(OpenFile shared, long bytes) when !alone ->
                                join(data, prefix, shared, bytes);
                        case SharedFiles.Usable(OpenFile shared, long bytes) ->
                                repair(data, prefix, shared, bytes);
                        case SharedFiles.Clean(OpenFile shared, long bytes) ->
                                reopen(data, prefix, shared, bytes, alone);
                        case SharedFiles.Useless(String why) when alone ->
                                !OpenBlock.NONE.equals(prefix.openBlock())
                                        ? build(data, prefix, Kind.REBUILT, why)
                                        : prefix.newest().regions() == 0
                                                ? build(
                                                        data,
                                                        prefix,
                                                        Kind.CREATED,
                                                        "it did not exist")
                                                : build(
                                                        data,
                                                        prefix,
                                                        Kind.REBUILT,
                                                        "it is a backup");
                        case SharedFiles.Useless(String why) -> throw refusal(files.shared(), why);
                    };
            return engine;
        } finally {
            if (engine == null) {
                data.close();
            }
        }
    }

    private OpenFile openData() throws IOException {
        OpenFile data = OpenFile.open(files.data(), true);
        data.use(options.durability() == Durability.EACH_WRITE ? Pages.SMALL : Pages.LARGE);
        return data;
    }

    private static StoreReplaced refusal(Path file, String why) {
        return new StoreReplaced(
                file,
                "a process has the store open, but "
                        + why
                        + "; close the store everywhere, then open it again");
    }

    /**
     * RULE 16: whether nobody is alive, both by the kernel's locks and by the processes that run.
     */
    static boolean nobodyAlive(StoreFiles files, KernelLocks kernel) throws IOException {
        if (kernel.tryExclusive(ProcessTable.READERS_BYTE, ProcessTable.MEMBERS_LENGTH)
                instanceof KernelLocks.Held probe) {
            probe.release();
            return !SharedFiles.anybodyWithoutLock(files.shared(), kernel);
        }
        return false;
    }

    private Engine join(OpenFile data, DataFiles.Prefix prefix, OpenFile shared, long sharedBytes)
            throws IOException {
        if (options.rollback()) {
            shared.close();
            throw new StoreInUse(
                    files.data(),
                    "rollback asks to go back to the last checkpoint, but another"
                            + " process has the store open; close it there");
        }
        Writing writing = map(data, prefix, shared, sharedBytes);
        try {
            if (writing.processes().alone()) { // the others only read
                writing.mapped().shared().clock().resume(prefix.newest());
            }
            return engine(writing, prefix, Kind.JOINED, "other processes have it open", 0, 0);
        } catch (Throwable e) {
            leave(writing);
            throw e;
        }
    }

    private Engine repair(OpenFile data, DataFiles.Prefix prefix, OpenFile shared, long sharedBytes)
            throws IOException {
        Writing writing = null;
        try {
            writing = map(data, prefix, shared, sharedBytes);
            writing.processes().forgetOthers();
            int repaired = writing.stripes().repairAll();
            writing.regions().counts().recount();
            writing.mapped().shared().clock().resume(prefix.newest());
            verifyBehind(writing, prefix.newest());
            OpenBlock open = prefix.openBlock();
            if (open != null && !Host.sameBoot(open.bootId())) {
                writeOpenBlock(writing.mapped().data().file(), open.nonce());
            }
            voidCheckpoint(writing, prefix.newest());
            if (options.rollback() && writing.checkpointer().isBehind()) {
                leave(writing);
                return rebuild(
                        "the store was not closed at a checkpoint, and rollback asks to"
                                + " go back to one");
            }
            String detail = "its processes were killed; nothing was lost or rebuilt";
            return engine(writing, prefix, Kind.REPAIRED, detail, 0, repaired);
        } catch (CorruptStore
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            leave(writing);
            if (!(e instanceof CorruptStore) && !Faults.isOfMapping(e)) {
                throw e;
            }
            return rebuild("what was written after the checkpoint is damaged: " + e.getMessage());
        } catch (Throwable e) {
            leave(writing);
            throw e;
        }
    }

    /**
     * Rebuilds the store from the data file alone; every process that looked at the shared-memory
     * file has left.
     */
    private Engine rebuild(String why) throws IOException {
        OpenFile data = openData();
        try {
            return build(data, DataFiles.read(data), Kind.REBUILT, why);
        } catch (Throwable e) {
            data.close();
            throw e;
        }
    }

    private static void leave(@Nullable Writing writing) {
        if (writing != null) {
            writing.leave();
        }
    }

    /**
     * Replaces the last checkpoint by an empty one. A store of class NONE reuses regions at once,
     * so its last checkpoint would stop being valid with the first write.
     */
    private static void voidCheckpoint(Writing writing, CheckpointSlot newest) {
        if (writing.mapped().data().header().durability() == Durability.NONE
                && newest.cuts().stream().anyMatch(cut -> cut.tail() != 0)) {
            Checkpointer checkpointer = writing.checkpointer();
            checkpointer.publishQuiet(
                    checkpointer.timeline(), Checkpointer.emptyCuts(writing.mapped().shared()));
        }
    }

    /**
     * RULE 5: verifies what lies behind the last checkpoint, since the same boot does not imply the
     * same page cache, for example after a forced unmount.
     */
    private static void verifyBehind(Writing writing, CheckpointSlot newest) {
        Healer healer = writing.healer();
        Stripes stripes = writing.stripes();
        IntStream.range(0, stripes.count())
                .parallel()
                .forEach(stripe -> healer.verifyBehindQuiet(stripes.get(stripe), newest));
    }

    private Engine reopen(
            OpenFile data,
            DataFiles.Prefix prefix,
            OpenFile shared,
            long sharedBytes,
            boolean alone)
            throws IOException {
        Writing writing = map(data, prefix, shared, sharedBytes);
        try {
            if (alone) {
                writing.processes().forgetOthers();
            }
            if (writing.checkpointer().agrees(prefix.newest())) {
                writing.mapped().shared().clock().resume(prefix.newest());
                voidCheckpoint(writing, prefix.newest());
                return engine(writing, prefix, Kind.CLEAN, "its last process closed it", 0, 0);
            }
        } catch (Throwable e) {
            leave(writing);
            throw e;
        }
        leave(writing);
        return rebuild(
                "the shared-memory file does not match the checkpoint at which the"
                        + " store was closed");
    }

    private Writing map(
            OpenFile dataFile, DataFiles.Prefix prefix, OpenFile sharedFile, long sharedBytes)
            throws IOException {
        MappedFile shared = MappedFile.map(sharedFile, sharedBytes);
        MappedFile data = null;
        try {
            Epochs.requirePlausible(files.shared(), at -> Words.acquire(shared.first(), at));
            dataLock.requireDead(ProcessTable.bytesOfDead(shared.first(), kernel));
            Words.add(shared.first(), SharedLayout.OPENING_DONE, 1);
            long regions = Words.acquire(shared.first(), SharedLayout.REGIONS);
            DataFiles.requireLength(dataFile, prefix.header(), regions);
            data = MappedFile.map(dataFile, prefix.header().regionAt(regions));
            OpenBlock open = prefix.openBlock();
            if (open != null && SharedFiles.clearMark(shared)) {
                Steps.at("O4 open block");
                writeOpenBlock(data, open.nonce());
            }
            ProcessTable processes = ProcessTable.join(files.data(), shared.first(), kernel);
            return Writing.of(Mapped.of(data, prefix.header(), shared), processes, options);
        } catch (Throwable e) {
            shared.close();
            if (data != null) {
                data.close();
            }
            dataFile.close(); // without mapped data it would stay open
            throw e;
        }
    }

    private Engine build(OpenFile dataFile, DataFiles.Prefix prefix, Kind kind, String why)
            throws IOException {
        SharedFiles.retire(files.shared(), prefix.header());
        MappedFile shared = SharedFiles.make(files, dataFile, prefix);
        MappedFile data = null;
        ProcessTable processes = null;
        try {
            long mapped = prefix.header().regionAt(prefix.newest().regions());
            Words.release(shared.first(), SharedLayout.OPENING_ALL, PASSES * mapped);
            data = MappedFile.map(dataFile, mapped);
            processes = ProcessTable.join(files.data(), shared.first(), kernel);
            Writing writing =
                    Writing.of(Mapped.of(data, prefix.header(), shared), processes, options);
            Replay replay = writing.replay();
            replay.restore(prefix.newest(), SharedFiles.leastBucketsLog2(), true);
            writing.mapped().shared().release(SharedLayout.OPENING_DONE, mapped);
            provideBlocks(writing);
            if (prefix.newest().regions() == 0) {
                writing.regions().provideLeast();
            }
            writing.mapped().shared().release(SharedLayout.OPENING_DONE, 2 * mapped);
            if (kind != Kind.CREATED) {
                checkpoint(writing, prefix);
            }
            UUID nonce = DataFiles.randomId();
            SharedFiles.ready(shared.first(), nonce);
            Steps.at("O4 nonce");
            writeOpenBlock(data, nonce);
            Steps.at("O4 rename");
            // otherwise the directory is another one, with all that is built there
            data.opened().requireNamed();
            shared.opened().requireNamed();
            Files.move(
                    files.sharedBeingMade(),
                    files.shared(),
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
            shared.opened().renamed(files.shared());
            return engine(writing, prefix, kind, why, replay.bytes(), 0);
        } catch (Throwable e) {
            if (processes != null) {
                processes.leave();
            }
            if (data != null) {
                data.close();
            }
            shared.close();
            throw e;
        }
    }

    private void provideBlocks(Writing writing) {
        try {
            writing.regions().provideBlocks();
        } catch (IOException e) {
            throw OpenFile.growthFailure(
                    files.data(), "no space to fill the holes in the file", 0, 0, e);
        }
    }

    /** RULE 23: makes the recovered state a checkpoint of a new timeline before anybody writes. */
    private void checkpoint(Writing writing, DataFiles.Prefix prefix) {
        OpenBlock before = prefix.openBlock();
        if (before == null || Host.mayBeSameBoot(before.bootId())) {
            writing.healer().storeAllAgainQuiet();
        }
        writing.healer().zeroBehindTailsQuiet();
        long mapped = writing.mapped().data().file().first().byteSize();
        writing.mapped().shared().release(SharedLayout.OPENING_DONE, 3 * mapped);
        for (int stripe = 0; stripe < writing.mapped().shared().stripes(); stripe++) {
            StripeWords words = writing.mapped().shared().stripe(stripe);
            words.release(
                    StripeWords.VERSION,
                    words.acquire(StripeWords.VERSION) + Replay.VERSIONS_APART);
        }
        Words.add(writing.mapped().shared().base(), SharedLayout.ALLOCATIONS, Replay.NUMBERS_APART);
        Checkpointer checkpointer = writing.checkpointer();
        boolean none = writing.mapped().data().header().durability() == Durability.NONE;
        checkpointer.publishQuiet(
                DataFiles.randomId(),
                none
                        ? Checkpointer.emptyCuts(writing.mapped().shared())
                        : Checkpointer.cuts(writing.mapped().shared()));
    }

    private static void writeOpenBlock(MappedFile data, UUID nonce) throws IOException {
        byte[] block = new OpenBlock(nonce, Host.bootId()).encode();
        long at = DataHeader.OPEN_BLOCK_AT;
        data.store(data.first(), at, block, 0, block.length);
        data.force(at, at + block.length);
    }

    private Engine engine(
            Writing writing,
            DataFiles.Prefix prefix,
            Kind kind,
            String detail,
            long bytes,
            int repaired) {
        Reader reader = new Reader(writing.mapped(), null);
        OpeningReport recovery =
                new OpeningReport(
                        kind,
                        detail,
                        prefix.newest().epoch(),
                        reader.size(),
                        bytes,
                        repaired,
                        Duration.ofNanos(System.nanoTime() - start),
                        kind == Kind.REBUILT
                                && !OpenBlock.NONE.equals(prefix.openBlock())
                                && !options.rollback()); // a rollback asks for just that
        dataLock.join(writing.processes());
        return new Engine(
                files,
                options,
                kernel,
                null,
                dataLock,
                writing.mapped(),
                writing,
                reader,
                recovery);
    }
}
