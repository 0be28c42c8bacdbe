package dev.cairn.engine;

import dev.cairn.Options;
import dev.cairn.Salvage;
import dev.cairn.StoreInUse;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.index.KeyHash;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;
import dev.cairn.stripe.Stripe;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * Copies the sound entries of a damaged store to a new store. The source is only read. The target
 * has another name until it is whole; its versions start anew.
 */
public final class Salvager {
    private final StoreFiles source;
    private final StoreFiles target;
    private final boolean onlyProven;
    private final Salvage.Progress progress;

    private Salvager(
            StoreFiles source, StoreFiles target, boolean onlyProven, Salvage.Progress progress) {
        this.source = source;
        this.target = target;
        this.onlyProven = onlyProven;
        this.progress = progress;
    }

    /** See {@link dev.cairn.Cairn#salvage(Path, Path, boolean, Salvage.Progress)}. */
    public static Salvage salvage(
            Path source, Path target, boolean onlyProven, Salvage.Progress progress) {
        try {
            StoreFiles from = StoreFiles.of(source);
            StoreFiles to = StoreFiles.of(target);
            if (!Files.exists(from.data())) {
                throw new NoSuchFileException(from.data().toString(), null, "no such store");
            }
            return new Salvager(from, to, onlyProven, progress).run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Salvage run() throws IOException {
        for (Path taken : List.of(target.data(), target.shared())) {
            if (Files.exists(taken)) {
                throw new FileAlreadyExistsException(
                        taken.toString(),
                        null,
                        "the file exists already, and a salvage replaces no file");
            }
        }
        if (!Files.isReadable(source.lock())) {
            requireNobodyByAnotherName();
            return read();
        }
        KernelLocks kernel = KernelLocks.openExisting(source.lock(), false);
        try {
            KernelLocks.Held open =
                    OpenLock.shared(source, kernel, Options.defaults().lockTimeout());
            try {
                requireNobodyWriting(kernel);
                requireNobodyByAnotherName();
                return read();
            } finally {
                open.release();
            }
        } finally {
            kernel.close();
        }
    }

    /**
     * Requires that nobody has the source open for writing. While this process has the open lock,
     * nobody else can open it for writing.
     */
    private void requireNobodyWriting(KernelLocks kernel) throws IOException {
        if (kernel.tryShared(ProcessTable.WRITERS_BYTE, ProcessTable.WRITERS_LENGTH)
                instanceof KernelLocks.Held probe) {
            probe.release();
            if (!Files.isWritable(source.shared())
                    || !SharedFiles.anybodyWithoutLock(source.shared(), kernel)) {
                return;
            }
        }
        throw new StoreInUse(
                source.data(),
                "a process has the store open; close it everywhere before you salvage"
                        + " it, or salvage a copy of the file");
    }

    /**
     * Requires that nobody uses the source under another name, since a file that was renamed while
     * it is open, or whose lock file was removed, is no sound copy.
     */
    private void requireNobodyByAnotherName() throws IOException {
        try (DataLock dataLock = DataLock.open(source, false)) {
            dataLock.requireNoWriter();
        }
    }

    private Salvage read() throws IOException {
        try (SalvageSource from = SalvageSource.open(source.data());
                SalvageIndex index = SalvageIndex.of(source, from)) {
            SalvageReport report = new SalvageReport(source.data(), progress);
            if (!from.headerSound()) {
                report.damage(
                        0,
                        "a header",
                        "none; it was restored from the checkpoint slots and the regions");
            }
            boolean newest = from.newest() || index.isThere();
            if (!newest) {
                from.ignoreEmptyCheckpoint();
            }
            CheckpointSlot checkpoint = from.checkpoint();
            if (!newest) {
                report.damage(
                        DataHeader.CHECKPOINT_SLOTS_AT,
                        "two checkpoints with valid checksums",
                        checkpoint == null
                                ? "none; regions were found by their headers"
                                : "only that of epoch %d; a newer one may be lost"
                                        .formatted(checkpoint.epoch()));
            }
            Path made = target.beingMade(DataFiles.randomId());
            StoreFiles making = StoreFiles.of(made);
            try {
                write(from, index, report, newest, making);
                name(making);
            } finally {
                making.remove();
            }
            return report.result(checkpoint == null ? 0 : checkpoint.epoch(), newest);
        }
    }

    /**
     * Names the target. A companion without its data file would keep the next salvage from that
     * name.
     */
    private void name(StoreFiles making) throws IOException {
        Files.move(making.shared(), target.shared());
        try {
            DataFiles.name(making.data(), target.data(), true);
        } catch (Throwable e) {
            // otherwise it may belong to another process's store
            if (!Files.exists(target.data())) {
                Files.deleteIfExists(target.shared());
            }
            throw e;
        }
    }

    private void write(
            SalvageSource from,
            SalvageIndex index,
            SalvageReport report,
            boolean newest,
            StoreFiles making)
            throws IOException {
        int stripes = from.header().stripes();
        Options options =
                Options.defaults()
                        .withStripes(stripes)
                        .withDurability(from.header().durability())
                        .withManualCheckpoints();
        CheckpointSlot checkpoint = from.checkpoint();
        if (checkpoint != null) {
            checkpoint.cuts().forEach(cut -> report.expect(cut.liveCount()));
        }
        Engine engine = Opening.open(making, options);
        try {
            if (checkpoint != null) {
                engine.reader().clock().resume(checkpoint); // entries expire by this clock
            }
            Writer writer = engine.writer();
            KeyHash hash = new KeyHash(from.header().hashSeed());
            for (int stripe = 0; stripe < stripes; stripe++) {
                try (SalvageStripe each = new SalvageStripe(from, report, index, hash, stripe)) {
                    each.copy(
                            onlyProven,
                            !newest,
                            (key, value, expires) -> {
                                long _ =
                                        writer.write(
                                                key,
                                                value,
                                                new Lifetime(expires, false),
                                                Stripe.ANY,
                                                null);
                            });
                }
            }
        } finally {
            engine.close();
        }
    }
}
