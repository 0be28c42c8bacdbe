package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.StoreReplaced;
import dev.cairn.SystemFailure;
import dev.cairn.Verification;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.checkpoint.Verifier;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Mapped;
import dev.cairn.lock.Claims;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.FileIdentity;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.OpenFile;
import dev.cairn.os.Steps;
import dev.cairn.shared.CacheCounters;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** A store that is open in this process: one for all who opened it here (RULE 6). */
final class Engine {
    private static final int UNLOCKED_ATTEMPTS = 10;

    private final StoreFiles files;
    private volatile Options options;
    private final @Nullable KernelLocks kernel;
    private final @Nullable Registration registration;
    private final @Nullable LockWatch lockWatch;
    private final @Nullable DataLock dataLock;
    private final @Nullable FileIdentity lockFile;
    private final Mapped mapped;
    private final @Nullable Writing writing;
    private final Recovery recovery;
    private final Reader reader;
    private final Spinning spinning;
    private final Waiting waiting;
    private final @Nullable Writer writer;
    private final @Nullable KeeperThread thread;
    private final @Nullable Space space;
    private final @Nullable Keeper keeper;
    private final @Nullable Feeds feeds;
    private final boolean countsReads;
    private final CacheCounters counters;
    private final SingleFlight singleFlight = new SingleFlight();
    private final Running running;
    private final Views views;
    private volatile boolean closed;

    /**
     * @param kernel null for a snapshot
     * @param registration of a read-only process; null for a snapshot, or where one may write
     * @param dataLock null for a snapshot
     */
    Engine(
            StoreFiles files,
            Options options,
            @Nullable KernelLocks kernel,
            @Nullable Registration registration,
            @Nullable DataLock dataLock,
            Mapped mapped,
            @Nullable Writing writing,
            Reader reader,
            Recovery recovery) {
        this.files = files;
        this.running = new Running(files.data());
        this.views = new Views(files.data());
        this.options = options;
        this.kernel = kernel;
        this.registration = registration;
        this.dataLock = dataLock;
        this.lockFile = kernel == null ? null : identity(files.lock());
        this.mapped = mapped;
        this.countsReads = mapped.data().header().cache().evicts();
        this.writing = writing;
        this.recovery = recovery;
        this.reader = reader;
        this.counters = new CacheCounters(mapped.shared().base(), writing != null);
        this.spinning = new Spinning(mostSpinning(options));
        this.waiting = new Waiting(writing != null, spinning);
        this.lockWatch = lockWatch();
        this.feeds = kernel == null ? null : new Feeds(mapped.shared(), kernel, writing != null);
        if (writing == null) {
            this.thread = null;
            this.space = null;
            this.keeper = null;
            this.writer = null;
        } else {
            Checkpoints checkpoints =
                    new Checkpoints(
                            writing.checkpointer(),
                            mapped.shared(),
                            writing.stripes(),
                            Checkpoints.areUnasked(options, mapped.data().header()),
                            mapped.data().header().durability() == Durability.NONE);
            this.thread = new KeeperThread(files.data());
            this.space = new Space(writing, checkpoints, thread);
            this.writer = new Writer(writing, space);
            reader.putOffBy(
                    new Idleness(
                            reader.clock(), mapped.data().header().cache().idleMillis(), writer));
            this.keeper =
                    new Keeper(
                            files,
                            writing,
                            thread,
                            checkpoints,
                            space,
                            Objects.requireNonNull(feeds),
                            counters,
                            options.checkpointEvery(),
                            singleFlight::isUsed);
        }
    }

    private static long mostSpinning(Options options) {
        return Spinning.most(options.spinning(), Runtime.getRuntime().availableProcessors());
    }

    private @Nullable LockWatch lockWatch() {
        if (writing != null && writing.processes().mayLoseKernelLock()) {
            return LockWatch.start(files, writing.processes()::keepKernelLock);
        }
        return registration != null && registration.mayGetLost()
                ? LockWatch.start(files, registration::renew)
                : null;
    }

    /**
     * The store is opened here once more; for one thread at a time.
     *
     * @throws IllegalArgumentException if the file cannot give what is asked for
     */
    void share(Options more) {
        if (more.readOnly()) {
            return; // who only reads asks for nothing
        }
        JointOptions.require(files.data(), mapped.data().header(), more);
        Writing with = writing();
        Options before = options;
        Options joint = JointOptions.of(before, more);
        long timeoutNanos = joint.lockTimeout().toNanos();
        with.lengthenTimeout(timeoutNanos);
        spinning.most(mostSpinning(joint));
        with.regions().bound(joint.maxBytes());
        Duration period = joint.checkpointEvery();
        if (period != null && !period.equals(before.checkpointEvery())) {
            keeper().checkpointEvery(period);
        }
        options = joint;
    }

    StoreFiles files() {
        return files;
    }

    @Nullable KernelLocks kernel() {
        return kernel;
    }

    boolean readOnly() {
        return writer == null;
    }

    /** Of the data file that was opened, which the name may have left. */
    FileIdentity identity() {
        return dataFile().identity();
    }

    /** Whether its mappings are gone, or about to be. */
    boolean closed() {
        return closed;
    }

    Recovery recovery() {
        return recovery;
    }

    Reader reader() {
        return reader;
    }

    Views views() {
        return views;
    }

    Waiting waiting() {
        return waiting;
    }

    KeyWait keyWait(byte[] key, long since) {
        return new KeyWait(mapped.shared(), reader, key, since);
    }

    Feed feed() {
        return new Feed(mapped, writing == null ? null : writing.stripes(), feeds, reader);
    }

    /**
     * @throws UnsupportedOperationException if the store is open for reading only
     */
    Writer writer() {
        return requireWritable(writer);
    }

    /** The keeper's work of one period. */
    void tick() {
        keeper().tick();
    }

    /** Counts the regions anew. */
    void recount() {
        writing().regions().counts().recount();
    }

    /** Owner entries that were looked at, about. */
    long regionLooks() {
        return writing().regions().counts().looks();
    }

    /** Oldest regions that were read to see how much of them has expired. */
    long frontLooks() {
        return writing().stripes().frontLooks();
    }

    /** What caches over this store count. */
    CacheCounters counters() {
        return counters;
    }

    /** Whether reads of the store and of maps over it are counted, as those of a cache always are. */
    boolean countsReads() {
        return countsReads;
    }

    SingleFlight singleFlight() {
        return singleFlight;
    }

    /**
     * @throws UnsupportedOperationException if the store is open for reading only
     */
    Claims claims() {
        return writing().claims();
    }

    private Keeper keeper() {
        return requireWritable(keeper);
    }

    private Writing writing() {
        return requireWritable(writing);
    }

    private KeeperThread thread() {
        return requireWritable(thread);
    }

    private <T> T requireWritable(@Nullable T part) {
        if (part == null) {
            throw new UnsupportedOperationException(
                    files.data() + ": this store was opened read-only");
        }
        return part;
    }

    long checkpoint() {
        return thread().onPlatformThread(checkpointing());
    }

    /** Makes durable what was written before this call, whenever it runs. */
    private Supplier<Long> checkpointing() {
        Checkpointer checkpointer = writing().checkpointer();
        long need = checkpointer.need();
        long timeoutNanos = writing().stripes().timeoutNanos();
        return () -> {
            long epoch = checkpointer.checkpoint(need, timeoutNanos);
            dataFile().requireNamed();
            return epoch;
        };
    }

    /** As {@link #checkpoint}, of what was written before this call, on the keeper's thread. */
    CompletableFuture<Long> checkpointAsync() {
        return thread().inBackground(checkpointing());
    }

    private OpenFile dataFile() {
        return mapped.data().file().opened();
    }

    boolean isDurable() {
        return mapped.data().header().durability() != Durability.NONE;
    }

    /**
     * @param by whose options say who may use the copy
     */
    long backup(Path target, Options by) {
        if (!isDurable()) {
            throw new UnsupportedOperationException(
                    files.data() + ": a store of durability NONE has no checkpoint to copy");
        }
        running.begin();
        try {
            return new Backup(files, by, mapped, writing, running).writeTo(target);
        } catch (CorruptStore e) {
            throw e.refusing();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            running.end();
        }
    }

    long compact() {
        Space own = requireWritable(space);
        return thread().onPlatformThread(() -> compact(own));
    }

    private long compact(Space own) {
        own.cleanThoroughly();
        try {
            return writing().regions().punchHoles() * mapped.data().regionBytes();
        } catch (IOException e) {
            throw new SystemFailure(files.data(), "its free space could not be given back", e);
        }
    }

    Stats stats() {
        long waits = space == null ? 0 : space.checkpointWaits();
        return new Figures(mapped, writing, counters, reader.size(), waits, naming());
    }

    private Stats.Naming naming() {
        return switch (dataFile().naming()) {
            case REMOVED -> Stats.Naming.REMOVED;
            case RENAMED -> Stats.Naming.RENAMED;
            case NAMED ->
                    kernel == null || companionsAreNamed()
                            ? Stats.Naming.NAMED
                            : Stats.Naming.COMPANION_LOST;
        };
    }

    private boolean companionsAreNamed() {
        try {
            return mapped.shared().file().opened().naming() == OpenFile.Naming.NAMED
                    && lockFile != null
                    && lockFile.isAt(files.lock());
        } catch (IOException _) {
            return false;
        }
    }

    private static @Nullable FileIdentity identity(Path file) {
        try {
            return FileIdentity.of(file);
        } catch (IOException _) {
            return null; // it was removed already
        }
    }

    Verification verify() {
        Writing with = writing;
        Verifier verifier =
                new Verifier(
                        mapped,
                        with == null
                                ? this::lookForQuiet
                                : (stripe, look) -> {
                                    with.stripes().get(stripe).holding(look);
                                    return true;
                                });
        for (int stripe = 0; stripe < mapped.shared().stripes(); stripe++) {
            verifier.verify(stripe);
        }
        return verifier.result();
    }

    /** Looks again until nobody wrote meanwhile; a dead writer may have left something for good. */
    private boolean lookForQuiet(int stripe, Runnable look) {
        StripeWords words = mapped.shared().stripe(stripe);
        for (int attempt = 0; attempt < UNLOCKED_ATTEMPTS; attempt++) {
            boolean pending = words.pending();
            CheckpointSlot.Cut cut = Checkpointer.cut(words);
            look.run();
            VarHandle.acquireFence();
            if (!pending && !words.pending() && Checkpointer.cut(words).equals(cut)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Gives the store back. The last process to do so makes it durable and marks it clean (RULE 5);
     * if that fails, it is left as after a kill. All of that is done to the files that were opened,
     * whatever their names stand for by now.
     *
     * @throws StoreReplaced at the end, if the data file's name is not its any more
     */
    void close() {
        closed = true;
        running.close();
        views.close();
        try {
            if (feeds != null) {
                feeds.end();
            }
            if (writer == null) {
                mapped.close();
            } else {
                closeWriting();
            }
        } finally {
            stopLockWatch();
            leaveDataFile();
            if (registration != null) {
                registration.release();
            }
            closeLocks();
        }
    }

    private void closeWriting() {
        thread().stop();
        counters.share();
        Writing with = writing();
        with.retire();
        requireWritable(space).retire();
        ProcessTable processes = with.processes();
        KernelLocks.@Nullable Held open = null;
        try {
            open = OpenLock.exclusive(files, requireKernel(), options.lockTimeout());
            if (processes.alone()) {
                closeAsLast();
            }
            dataFile().requireNamed();
        } finally {
            stopLockWatch();
            try {
                leaveDataFile();
                with.leave();
            } finally {
                if (open != null) {
                    open.release();
                }
            }
        }
    }

    private void leaveDataFile() {
        if (dataLock != null) {
            dataLock.release();
        }
    }

    private void stopLockWatch() {
        if (lockWatch != null) {
            lockWatch.stop();
        }
    }

    private void closeAsLast() {
        writing().stripes().repairRetired();
        try {
            DataFiles.Prefix prefix = DataFiles.read(dataFile());
            CheckpointSlot newest = prefix.newest();
            int crc = prefix.newestCrc();
            Checkpointer checkpointer = writing().checkpointer();
            if (!checkpointer.isDurable(newest)) {
                checkpointer.publishQuiet(
                        checkpointer.timeline(), Checkpointer.cuts(mapped.shared()));
                prefix = DataFiles.read(dataFile());
                newest = prefix.newest();
                crc = prefix.newestCrc();
            }
            Steps.at("O mark");
            SharedFiles.mark(mapped.shared().file(), newest, crc);
        } catch (IOException e) {
            throw new CheckpointFailed(files.data(), "could not be closed as a whole", e);
        }
    }

    private KernelLocks requireKernel() {
        if (kernel == null) {
            throw new IllegalStateException("a store open for writing has kernel locks");
        }
        return kernel;
    }

    private void closeLocks() {
        try {
            try {
                if (dataLock != null) {
                    dataLock.close();
                }
            } finally {
                if (kernel != null) {
                    kernel.close();
                }
            }
        } catch (IOException e) {
            throw new SystemFailure(files.lock(), "the locks could not be given back", e);
        }
    }
}
