package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Stats;
import dev.cairn.StoreReplaced;
import dev.cairn.SystemFailure;
import dev.cairn.Verification;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.checkpoint.Verifier;
import dev.cairn.events.StoreLog;
import dev.cairn.format.CacheTerms;
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

/** A store that is open in this process. All handles in this process share it (RULE 6). */
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
    private final OpeningReport recovery;
    private final Reader reader;
    private final Spinning spinning;
    private final Waiting waiting;
    private final @Nullable Writer writer;
    private final @Nullable Troubles troubles;
    private final @Nullable MaintenanceThread thread;
    private final @Nullable Checkpoints checkpoints;
    private final @Nullable Space space;
    private final @Nullable Maintenance maintenance;
    private final @Nullable Feeds feeds;
    private final boolean countsReads;
    private final CacheCounters counters;
    private final SingleFlight singleFlight = new SingleFlight();
    private final LongOperations operations;
    private final Views views;
    private volatile boolean closed;

    /**
     * @param kernel null for a snapshot
     *
     * @param registration the registration of a read-only process; null for a snapshot, or if the
     *     process may write
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
            OpeningReport recovery) {
        this.files = files;
        this.operations = new LongOperations(files.data());
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
            this.troubles = null;
            this.thread = null;
            this.checkpoints = null;
            this.space = null;
            this.maintenance = null;
            this.writer = null;
        } else {
            StoreLog log = new StoreLog(files.data());
            this.troubles = new Troubles(log, mapped, writing.regions());
            this.checkpoints =
                    new Checkpoints(
                            writing.checkpointer(),
                            mapped.shared(),
                            writing.stripes(),
                            troubles,
                            Checkpoints.areUnasked(options, mapped.data().header()),
                            mapped.data().header().durability() == Durability.NONE);
            this.thread = new MaintenanceThread(files.data(), log, troubles);
            this.space = new Space(writing, checkpoints, thread);
            this.writer = new Writer(writing, space, troubles);
            reader.putOffBy(
                    new Idleness(
                            reader.clock(), mapped.data().header().cache().idleMillis(), writer));
            this.maintenance =
                    new Maintenance(
                            writing,
                            thread,
                            checkpoints,
                            space,
                            troubles,
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
     * Adds the options of one more handle. One thread at a time may call it.
     *
     * @throws IllegalArgumentException if the file does not allow the options
     */
    void share(Options more) {
        if (more.readOnly()) {
            return; // a read-only handle asks for nothing
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
            maintenance().checkpointEvery(period);
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

    /** The identity of the data file that was opened, which may no longer have the name. */
    FileIdentity identity() {
        return dataFile().identity();
    }

    /** Whether its mappings are gone, or are about to be. */
    boolean closed() {
        return closed;
    }

    OpeningReport recovery() {
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
     * @throws UnsupportedOperationException if the store was opened read-only
     */
    Writer writer() {
        return requireWritable(writer);
    }

    /** The maintenance thread's work of one period. */
    void tick() {
        maintenance().tick();
    }

    /** Counts the regions anew. */
    void recount() {
        writing().regions().counts().recount();
    }

    /** About how many owner entries were looked at. */
    long regionLooks() {
        return writing().regions().counts().looks();
    }

    /** How many oldest regions were read to see how much of them has expired. */
    long oldestRegionLooks() {
        return writing().stripes().oldestRegionLooks();
    }

    /** The counters of caches over this store. */
    CacheCounters counters() {
        return counters;
    }

    /** Whether reads of the store and of its maps are counted, as those of a cache always are. */
    boolean countsReads() {
        return countsReads;
    }

    SingleFlight singleFlight() {
        return singleFlight;
    }

    /**
     * @throws UnsupportedOperationException if the store was opened read-only
     */
    Claims claims() {
        return writing().claims();
    }

    private Maintenance maintenance() {
        return requireWritable(maintenance);
    }

    private Writing writing() {
        return requireWritable(writing);
    }

    private MaintenanceThread thread() {
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

    /** Makes a checkpoint of what was written before this call, whenever it runs. */
    private Supplier<Long> checkpointing() {
        Checkpoints by = requireWritable(checkpoints);
        long need = by.need();
        long timeoutNanos = writing().stripes().timeoutNanos();
        return () -> {
            long epoch = by.make(need, timeoutNanos);
            dataFile().requireNamed();
            return epoch;
        };
    }

    /**
     * Makes a checkpoint as {@link #checkpoint} does, of what was written before this call, on the
     * maintenance thread's thread.
     */
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
     * @param by the options that say who may use the copy
     */
    long backup(Path target, Options by) {
        if (!isDurable()) {
            throw new UnsupportedOperationException(
                    files.data() + ": a store of durability NONE has no checkpoint to copy");
        }
        operations.begin();
        try {
            return new Backup(files, by, mapped, writing, operations).writeTo(target);
        } catch (CorruptStore e) {
            throw e.refusing();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            operations.end();
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
            throw new SystemFailure(
                    files.data(), "free space could not be given back to the file system", e);
        }
    }

    Stats stats() {
        long waits = space == null ? 0 : space.checkpointWaits();
        return new Figures(mapped, writing, counters, reader.size(), waits, maxBytes(), naming());
    }

    private long maxBytes() {
        CacheTerms cache = mapped.data().header().cache();
        if (cache.evicts()) {
            return cache.maxBytes();
        }
        return writing == null ? 0 : options.maxBytes();
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
            return null; // it is already removed
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
                                },
                        with != null);
        for (int stripe = 0; stripe < mapped.shared().stripes(); stripe++) {
            verifier.verify(stripe);
        }
        return verifier.result();
    }

    /**
     * Looks again until nobody wrote during the look. It gives up if a dead writer has left
     * something for good.
     */
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
     * Closes the engine. The last process that closes the store makes it durable, unless it was
     * opened with rollback, and marks it clean (RULE 5). If that fails, the store is left as after
     * a kill. All of this is done to the files that were opened, even if their names belong to
     * other files by now.
     *
     * @throws StoreReplaced at the end, if the data file's name no longer names it
     */
    void close() {
        closed = true;
        operations.close();
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
        maintenance().tellDamages(); // damages that it had no time to report
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
                if (options.rollback()) {
                    return; // as after a kill: the next opening drops what no checkpoint holds
                }
                checkpointer.publishQuiet(
                        checkpointer.timeline(), Checkpointer.cuts(mapped.shared()));
                prefix = DataFiles.read(dataFile());
                newest = prefix.newest();
                crc = prefix.newestCrc();
            }
            Steps.at("O mark");
            SharedFiles.mark(mapped.shared().file(), newest, crc);
        } catch (CheckpointFailed e) {
            requireWritable(troubles).checkpointFailed(e);
            throw e;
        } catch (IOException e) {
            throw new CheckpointFailed(files.data(), "the store could not be closed completely", e);
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
            throw new SystemFailure(files.lock(), "the locks could not be released", e);
        }
    }
}
