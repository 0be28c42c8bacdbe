package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.Verification;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.checkpoint.Replay;
import dev.cairn.checkpoint.Verifier;
import dev.cairn.format.BucketWords;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.lock.Claims;
import dev.cairn.lock.ProcessTable;
import dev.cairn.log.Regions;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/** A store that is open in this process: one for all who opened it here (RULE 6). */
final class Engine {
    private static final int UNLOCKED_ATTEMPTS = 10;

    private final StoreFiles files;
    private final Options options;
    private final @Nullable KernelLocks kernel;
    private final KernelLocks.@Nullable Held registration;
    private final Parts parts;
    private final Recovery recovery;
    private final Reader reader;
    private final Waiting waiting;
    private final @Nullable Writer writer;
    private final @Nullable Keeper keeper;
    private final SingleFlight singleFlight = new SingleFlight();
    private final Running running;
    private volatile boolean closed;

    /**
     * @param kernel null for a snapshot
     * @param registration of a read-only process, if it has one
     */
    Engine(
            StoreFiles files,
            Options options,
            @Nullable KernelLocks kernel,
            KernelLocks.@Nullable Held registration,
            Parts parts,
            Reader reader,
            Recovery recovery) {
        this.files = files;
        this.running = new Running(files.data());
        this.options = options;
        this.kernel = kernel;
        this.registration = registration;
        this.parts = parts;
        this.recovery = recovery;
        this.reader = reader;
        this.waiting = new Waiting(parts.writing() != null);
        if (parts.writing() == null) {
            this.keeper = null;
            this.writer = null;
        } else {
            Keeper own = new Keeper(files, options, parts);
            boolean background = Keeper.inBackground(options, parts.data().header());
            this.keeper = own;
            this.writer = new Writer(parts, reader, background, own);
            own.start(writer.cleaner(), options.checkpointEvery());
        }
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

    Waiting waiting() {
        return waiting;
    }

    KeyWait keyWait(byte[] key, long since) {
        return new KeyWait(parts, reader, key, since);
    }

    Feed feed() {
        return new Feed(parts, reader);
    }

    /**
     * @throws UnsupportedOperationException if the store is open for reading only
     */
    Writer writer() {
        return requireWritable(writer);
    }

    SingleFlight singleFlight() {
        return singleFlight;
    }

    /**
     * @throws UnsupportedOperationException if the store is open for reading only
     */
    Claims claims() {
        return parts.requireWriting().claims();
    }

    private Keeper keeper() {
        return requireWritable(keeper);
    }

    private <T> T requireWritable(@Nullable T part) {
        if (part == null) {
            throw new UnsupportedOperationException(
                    files.data() + ": this store was opened read-only");
        }
        return part;
    }

    long checkpoint() {
        Keeper by = keeper();
        Checkpointer checkpointer = parts.checkpointer();
        long need = checkpointer.need();
        long timeoutNanos = parts.requireWriting().stripes().timeoutNanos();
        return by.onPlatformThread(() -> checkpointer.checkpoint(need, timeoutNanos));
    }

    boolean isDurable() {
        return parts.data().header().durability() != Durability.NONE;
    }

    long backup(Path target) {
        if (!isDurable()) {
            throw new UnsupportedOperationException(
                    files.data() + ": a store of durability NONE has no checkpoint to copy");
        }
        running.begin();
        try {
            return new Backup(files, options, parts, running).writeTo(target);
        } catch (CorruptStore e) {
            throw e.refusing();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            running.end();
        }
    }

    long compact() {
        Keeper by = keeper();
        return by.onPlatformThread(() -> compact(by));
    }

    private long compact(Keeper by) {
        by.cleanThoroughly();
        try {
            return parts.requireWriting().regions().punchHoles() * parts.data().regionBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Stats stats() {
        SharedMemory shared = parts.shared();
        long liveBytes = 0;
        long logBytes = 0;
        long writes = 0;
        long indexSlots = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            liveBytes += shared.stripe(stripe).acquire(StripeWords.LIVE_BYTES);
            logBytes += shared.stripe(stripe).acquire(StripeWords.LOG_BYTES);
            writes += shared.stripe(stripe).acquire(StripeWords.VERSION) % Replay.VERSIONS_APART;
            indexSlots += (long) BucketWords.SLOTS << TableWord.log2(shared.table(stripe));
        }
        Parts.Writing writing = parts.writing();
        Regions.Census census = Regions.census(parts.data());
        return new Stats(
                reader.size(),
                liveBytes,
                parts.data().regionAt(parts.data().regions()),
                shared.acquire(SharedLayout.SHARED_BYTES),
                parts.data().regionBytes(),
                parts.data().regions(),
                census.free() + census.holes(),
                census.waiting(),
                logBytes - liveBytes,
                shared.stripes(),
                indexSlots,
                writing == null ? ProcessTable.seenOpen(shared.base()) : writing.processes().open(),
                shared.acquire(SharedLayout.EPOCH),
                shared.acquire(SharedLayout.DURABLE),
                writes,
                state(),
                writing == null ? 0 : writing.checkpointer().made(),
                writing == null ? 0 : writing.checkpointer().longestHoldNanos(),
                writing == null ? 0 : writing.contention().waits(),
                writing == null ? 0 : writing.contention().longestNanos(),
                writing == null ? 0 : writing.contention().takeovers());
    }

    private Stats.State state() {
        if (parts.shared().acquire(SharedLayout.FAILED) != 0) {
            return Stats.State.FAILED;
        }
        return parts.shared().acquire(SharedLayout.ATTEMPT) != 0
                ? Stats.State.ATTEMPTED
                : Stats.State.SOUND;
    }

    Verification verify() {
        Parts.Writing writing = parts.writing();
        Verifier verifier =
                new Verifier(
                        parts.data(),
                        parts.shared(),
                        parts.index(),
                        parts.hash(),
                        writing == null
                                ? this::lookForQuiet
                                : (stripe, look) -> {
                                    writing.stripes().holding(stripe, look);
                                    return true;
                                });
        for (int stripe = 0; stripe < parts.shared().stripes(); stripe++) {
            verifier.verify(stripe);
        }
        return verifier.result();
    }

    /** Looks again until nobody wrote meanwhile; a dead writer may have left something for good. */
    private boolean lookForQuiet(int stripe, Runnable look) {
        StripeWords words = parts.shared().stripe(stripe);
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
     * if that fails, it is left as after a kill.
     */
    void close() {
        closed = true;
        running.close();
        try {
            if (writer == null) {
                parts.close();
            } else {
                closeWriting(writer);
            }
        } finally {
            if (registration != null) {
                registration.release();
            }
            closeKernelLocks();
        }
    }

    private void closeWriting(Writer last) {
        keeper().stop();
        last.retire();
        keeper().retire();
        ProcessTable processes = parts.requireWriting().processes();
        KernelLocks.@Nullable Held open = null;
        try {
            open = OpenLock.exclusive(files, requireKernel(), options.lockTimeout());
            if (processes.alone()) {
                closeAsLast(last);
            }
        } finally {
            try {
                processes.leave();
                parts.close();
            } finally {
                if (open != null) {
                    open.release();
                }
            }
        }
    }

    private void closeAsLast(Writer last) {
        last.repairRetired();
        try {
            DataFiles.Prefix prefix = DataFiles.read(files.data());
            CheckpointSlot newest = prefix.newest();
            int crc = prefix.newestCrc();
            Checkpointer checkpointer = parts.checkpointer();
            if (!checkpointer.isDurable(newest)) {
                checkpointer.publishQuiet(
                        checkpointer.timeline(), Checkpointer.cuts(parts.shared()));
                prefix = DataFiles.read(files.data());
                newest = prefix.newest();
                crc = prefix.newestCrc();
            }
            Steps.at("O mark");
            SharedFiles.mark(parts.shared().file(), newest, crc);
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

    private void closeKernelLocks() {
        if (kernel != null) {
            try {
                kernel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
