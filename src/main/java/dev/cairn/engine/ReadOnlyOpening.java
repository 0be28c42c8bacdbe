package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Overtaken;
import dev.cairn.Recovery;
import dev.cairn.Recovery.Kind;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.index.Mapped;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Opens a store for reading without writing anything anywhere.
 *
 * <p>If the shared-memory file can be used, the reader sees every write of the others at once; it
 * registers by a shared kernel lock, so that the file is not replaced meanwhile. Otherwise, or if
 * one of the two files cannot be read, the reader replays the last checkpoint into private memory:
 * this is a snapshot, and {@link Recovery} says so.
 */
final class ReadOnlyOpening {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final StoreFiles files;
    private final Options options;
    private final long start = System.nanoTime();

    /** Why the shared-memory file cannot be used, if that is so. */
    private String useless = "";

    private ReadOnlyOpening(StoreFiles files, Options options) {
        this.files = files;
        this.options = options;
    }

    static Engine open(StoreFiles files, Options options) throws IOException {
        if (!Files.exists(files.data())) {
            throw new NoSuchFileException(
                    files.data().toString(),
                    null,
                    "no such store; opening read-only does not create one");
        }
        files.requireOneName();
        return new ReadOnlyOpening(files, options).open();
    }

    private Engine open() throws IOException {
        if (!Files.isReadable(files.lock())) {
            if (Files.isReadable(files.shared())) {
                // not used without a lock, but it may tell of a checkpoint that is damaged by now
                lookInVain();
            }
            String why =
                    Files.exists(files.lock())
                            ? "its lock file cannot be read"
                            : "it has no lock file, as a backup has none";
            return untilCurrent(() -> snapshot(why));
        }
        return untilCurrent(this::viewOrSnapshot);
    }

    /** An attempt to open it; null if a checkpoint overtook what was read. */
    private interface Attempt {
        @Nullable Engine open() throws IOException;
    }

    private Engine untilCurrent(Attempt attempt) throws IOException {
        long deadline = System.nanoTime() + options.lockTimeout().toNanos();
        while (true) {
            Engine engine = attempt.open();
            if (engine != null) {
                return engine;
            }
            if (System.nanoTime() - deadline > 0) {
                throw new Overtaken(
                        files.data(),
                        "newer checkpoints were made faster than a snapshot of"
                                + " one could be read");
            }
        }
    }

    private void lookInVain() throws IOException {
        try (OpenFile data = OpenFile.open(files.data(), false)) {
            switch (SharedFiles.look(files, data, DataFiles.read(data), false)) {
                case SharedFiles.Usable(OpenFile file, long _) -> file.close();
                case SharedFiles.Clean(OpenFile file, long _) -> file.close();
                case SharedFiles.Useless _ -> {}
            }
        }
    }

    /**
     * Opens a view or a snapshot. A snapshot is made without any lock, since that takes longer the
     * larger the store is, and writers must not wait for it.
     */
    private @Nullable Engine viewOrSnapshot() throws IOException {
        KernelLocks kernel = KernelLocks.openExisting(files.lock(), false);
        Engine engine = null;
        try {
            KernelLocks.Held open = OpenLock.shared(files, kernel, options.lockTimeout());
            try {
                if (!kernel.isNamed()) {
                    return null; // the store was removed meanwhile, and may be there again
                }
                engine = register(kernel);
            } finally {
                open.release();
            }
        } finally {
            if (engine == null) {
                kernel.close();
            }
        }
        return engine == null ? snapshot(useless) : engine;
    }

    /** Registers as a reader; null if the shared-memory file cannot be used. */
    private @Nullable Engine register(KernelLocks kernel) throws IOException {
        if (Files.exists(files.shared()) && !Files.isReadable(files.shared())) {
            useless = "its shared-memory file cannot be read";
            return null;
        }
        Registration registration = registration(kernel);
        DataLock dataLock = null;
        OpenFile data = null;
        Engine engine = null;
        try {
            dataLock = DataLock.open(files, false);
            dataLock.joinReaders();
            data = OpenFile.open(files.data(), false);
            DataFiles.Prefix prefix = DataFiles.read(data);
            View view = new View(kernel, registration, dataLock);
            switch (SharedFiles.look(files, data, prefix, false)) {
                case SharedFiles.Usable(OpenFile shared, long bytes) ->
                        engine = view(data, prefix, shared, bytes, false, view);
                case SharedFiles.Clean(OpenFile shared, long bytes) ->
                        engine = view(data, prefix, shared, bytes, true, view);
                case SharedFiles.Useless(String why) -> useless = why;
            }
            return engine;
        } finally {
            if (engine == null) {
                if (data != null) {
                    data.close();
                }
                if (dataLock != null) {
                    dataLock.close();
                }
                registration.release();
            }
        }
    }

    /** What keeps others from replacing the files of a view. */
    private record View(KernelLocks kernel, Registration registration, DataLock dataLock) {}

    private Registration registration(KernelLocks kernel) {
        long from = System.nanoTime();
        while (true) {
            Registration registration = Registration.tryFor(kernel);
            if (registration != null) {
                return registration;
            }
            long waited = System.nanoTime() - from;
            if (waited > options.lockTimeout().toNanos()) {
                throw new LockTimeout(
                        files.data(),
                        "another process that recovers the store",
                        OptionalLong.empty(),
                        Duration.ofNanos(waited),
                        "another process is recovering the store");
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private Engine view(
            OpenFile dataFile,
            DataFiles.Prefix prefix,
            OpenFile sharedFile,
            long sharedBytes,
            boolean clean,
            View view)
            throws IOException {
        MappedFile shared = MappedFile.map(sharedFile, sharedBytes);
        MappedFile data = null;
        try {
            long regions = Words.acquire(shared.first(), SharedLayout.REGIONS);
            DataFiles.requireLength(dataFile, prefix.header(), regions);
            data = MappedFile.map(dataFile, prefix.header().regionAt(regions));
            Mapped mapped = Mapped.of(data, prefix.header(), shared);
            boolean alive = anybodyWrites(view.kernel());
            if (!alive) {
                mapped.shared().clock().resumePrivately(prefix.newest());
            }
            Kind kind = alive ? Kind.JOINED : clean ? Kind.CLEAN : Kind.REPAIRED;
            return engine(mapped, null, prefix, kind, detail(kind), view);
        } catch (Throwable e) {
            if (data != null) {
                data.close();
            }
            shared.close();
            throw e;
        }
    }

    private static String detail(Kind kind) {
        return switch (kind) {
            case JOINED -> "other processes have it open";
            case CLEAN -> "its last process closed it";
            default ->
                    "its processes were killed; nothing was lost, and nothing was"
                            + " repaired, since it was opened read-only";
        };
    }

    private static boolean anybodyWrites(KernelLocks kernel) {
        if (kernel.tryShared(ProcessTable.WRITERS_BYTE, ProcessTable.WRITERS_LENGTH)
                instanceof KernelLocks.Held probe) {
            probe.release();
            return false;
        }
        return true;
    }

    /**
     * Makes a snapshot; null if a newer checkpoint overtook it, so that its regions may be reused.
     */
    private @Nullable Engine snapshot(String why) throws IOException {
        OpenFile file = OpenFile.open(files.data(), false);
        Engine engine = null;
        boolean newest = false;
        try {
            DataFiles.Prefix prefix = DataFiles.read(file);
            try {
                engine = snapshot(file, prefix, why);
                newest = isNewest(prefix);
                return newest ? engine : null;
            } catch (CorruptStore e) {
                if (isNewest(prefix)) {
                    throw e;
                }
                return null;
            }
        } finally {
            if (engine == null) {
                file.close();
            } else if (!newest) {
                engine.close();
            }
        }
    }

    private boolean isNewest(DataFiles.Prefix prefix) throws IOException {
        try (OpenFile file = OpenFile.open(files.data(), false)) {
            return DataFiles.read(file).newest().equals(prefix.newest());
        }
    }

    private Engine snapshot(OpenFile file, DataFiles.Prefix prefix, String why) throws IOException {
        DataHeader header = prefix.header();
        DataFiles.requireLength(file, header, prefix.newest().regions());
        MappedFile data = MappedFile.map(file, header.regionAt(prefix.newest().regions()));
        Mapped reading = PrivateReplay.of(files, data, header, prefix.newest(), options);
        try {
            Snapshot witness = new Snapshot(files.data(), data.first(), header);
            return engine(reading, witness, prefix, Kind.SNAPSHOT, why, null);
        } catch (Throwable e) {
            reading.close();
            throw e;
        }
    }

    /**
     * @param view null for a snapshot
     */
    private Engine engine(
            Mapped mapped,
            @Nullable Snapshot snapshot,
            DataFiles.Prefix prefix,
            Kind kind,
            String detail,
            @Nullable View view) {
        Reader reader = new Reader(mapped, snapshot);
        OpeningReport recovery =
                new OpeningReport(
                        kind,
                        detail,
                        prefix.newest().epoch(),
                        reader.size(),
                        0,
                        0,
                        Duration.ofNanos(System.nanoTime() - start),
                        false);
        return view == null
                ? new Engine(files, options, null, null, null, mapped, null, reader, recovery)
                : new Engine(
                        files,
                        options,
                        view.kernel(),
                        view.registration(),
                        view.dataLock(),
                        mapped,
                        null,
                        reader,
                        recovery);
    }
}
