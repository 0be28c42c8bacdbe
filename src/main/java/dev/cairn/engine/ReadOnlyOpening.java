package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Recovery.Kind;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.MappedFile;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Opens a store for reading without storing anything anywhere.
 *
 * <p>Where the shared-memory file can be used, the reader sees every write of the others at once; it
 * registers by a shared kernel lock, so that the file is not replaced under it. Where it cannot, or
 * where one of the two files cannot be read, the reader replays the last checkpoint into private memory: a
 * snapshot, and {@link Recovery} says so.
 */
final class ReadOnlyOpening {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final StoreFiles files;
    private final Options options;
    private final long start = System.nanoTime();

    private ReadOnlyOpening(StoreFiles files, Options options) {
        this.files = files;
        this.options = options;
    }

    static Engine open(StoreFiles files, Options options) throws IOException {
        if (!Files.exists(files.data())) {
            throw new NoSuchFileException(
                    files.data().toString(), null, "no store is there, and read-only makes none");
        }
        files.requireOneName();
        return new ReadOnlyOpening(files, options).open();
    }

    private Engine open() throws IOException {
        if (!Files.isReadable(files.lock())) {
            if (Files.isReadable(files.shared())) {
                // not used without a lock, but it may know of a checkpoint that is damaged by now
                var _ = SharedFiles.look(files, DataFiles.read(files.data()));
            }
            return snapshot("its lock file cannot be read");
        }
        KernelLocks kernel = KernelLocks.openExisting(files.lock(), false);
        Engine engine = null;
        try {
            KernelLocks.Held open = OpenLock.shared(files, kernel, options.lockTimeout());
            try {
                engine = register(kernel);
                return engine;
            } finally {
                open.release();
            }
        } finally {
            if (engine == null || engine.kernel() == null) {
                kernel.close();
            }
        }
    }

    private Engine register(KernelLocks kernel) throws IOException {
        Registration registration = registration(kernel);
        Engine engine = null;
        try {
            if (Files.exists(files.shared()) && !Files.isReadable(files.shared())) {
                engine = snapshot("its shared-memory file cannot be read");
                return engine;
            }
            DataFiles.Prefix prefix = DataFiles.read(files.data());
            engine =
                    switch (SharedFiles.look(files, prefix)) {
                        case SharedFiles.Usable(long bytes) ->
                                view(prefix, bytes, false, kernel, registration);
                        case SharedFiles.Clean(long bytes) ->
                                view(prefix, bytes, true, kernel, registration);
                        case SharedFiles.Useless(String why) -> snapshot(why);
                    };
            return engine;
        } finally {
            if (engine == null || engine.kernel() == null) {
                registration.release();
            }
        }
    }

    private Registration registration(KernelLocks kernel) {
        long deadline = System.nanoTime() + options.lockTimeout().toNanos();
        while (true) {
            Registration registration = Registration.tryFor(kernel);
            if (registration != null) {
                return registration;
            }
            if (System.nanoTime() - deadline > 0) {
                throw new LockTimeout(files.data(), "another process is recovering it");
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private Engine view(
            DataFiles.Prefix prefix,
            long sharedBytes,
            boolean clean,
            KernelLocks kernel,
            Registration registration)
            throws IOException {
        MappedFile shared = MappedFile.map(files.shared(), sharedBytes, false);
        long regions = Words.acquire(shared.first(), SharedLayout.REGIONS);
        MappedFile data = mapData(prefix.header(), regions, shared);
        Parts parts = Parts.forReading(data, prefix.header(), shared);
        boolean alive =
                kernel.tryShared(ProcessTable.WRITERS_BYTE, ProcessTable.WRITERS_LENGTH)
                                instanceof KernelLocks.Held probe
                        ? !released(probe)
                        : true;
        return alive
                ? engine(
                        parts,
                        null,
                        prefix,
                        Kind.JOINED,
                        "others have it open",
                        kernel,
                        registration)
                : clean
                        ? engine(
                                parts,
                                null,
                                prefix,
                                Kind.CLEAN,
                                "its last process had closed it",
                                kernel,
                                registration)
                        : engine(
                                parts,
                                null,
                                prefix,
                                Kind.REPAIRED,
                                "its processes were killed; nothing was lost; read-only, so nothing"
                                        + " was repaired",
                                kernel,
                                registration);
    }

    private static boolean released(KernelLocks.Held probe) {
        probe.release();
        return true;
    }

    private MappedFile mapData(DataHeader header, long regions, MappedFile shared)
            throws IOException {
        try {
            DataFiles.requireLength(files.data(), header, regions);
            return MappedFile.map(files.data(), header.regionAt(regions), false);
        } catch (IOException | RuntimeException e) {
            shared.close();
            throw e;
        }
    }

    private Engine snapshot(String why) throws IOException {
        long deadline = System.nanoTime() + options.lockTimeout().toNanos();
        while (true) {
            DataFiles.Prefix prefix = DataFiles.read(files.data());
            try {
                Engine engine = snapshot(prefix, why);
                if (isNewest(prefix)) {
                    return engine;
                }
                engine.close();
            } catch (CorruptStore e) {
                if (isNewest(prefix)) {
                    throw e;
                }
            }
            if (System.nanoTime() - deadline > 0) { // its regions may be another's by now
                throw new LockTimeout(
                        files.data(), "checkpoints come faster than a snapshot of one is made");
            }
        }
    }

    private boolean isNewest(DataFiles.Prefix prefix) throws IOException {
        return DataFiles.read(files.data()).newest().equals(prefix.newest());
    }

    private Engine snapshot(DataFiles.Prefix prefix, String why) throws IOException {
        Parts reading = PrivateReplay.of(files, prefix.header(), prefix.newest(), options);
        Snapshot witness =
                new Snapshot(files.data(), reading.data().file().first(), prefix.header());
        return engine(reading, witness, prefix, Kind.SNAPSHOT, why, null, null);
    }

    private Engine engine(
            Parts parts,
            @Nullable Snapshot snapshot,
            DataFiles.Prefix prefix,
            Kind kind,
            String detail,
            @Nullable KernelLocks kernel,
            @Nullable Registration registration) {
        Reader reader = new Reader(parts, snapshot);
        Recovery recovery =
                new Recovery(
                        kind,
                        detail,
                        prefix.newest().epoch(),
                        reader.size(),
                        0,
                        0,
                        Duration.ofNanos(System.nanoTime() - start));
        return new Engine(files, options, kernel, registration, parts, reader, recovery);
    }
}
