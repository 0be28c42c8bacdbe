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
 * Copies whatever is sound of a damaged store to a new one. The source is only read. The target has
 * another name until it is whole; versions begin anew there.
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
                throw new NoSuchFileException(from.data().toString(), null, "no store is there");
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
                        taken.toString(), null, "a salvage replaces nothing");
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

    /** While this process has the open lock, nobody else opens it for writing. */
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
                "a process has it open; close it everywhere before you salvage it, or salvage a"
                        + " copy of the file");
    }

    /** A file that was renamed while it is open, or whose lock file was removed, is no sound copy. */
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
                report.damage(0, "a header", "none; the slots tell what it said");
            }
            boolean newest = from.newest() || index.isThere();
            if (!newest) {
                from.ignoreEmptyCheckpoint();
            }
            CheckpointSlot checkpoint = from.checkpoint();
            if (!newest) {
                report.damage(
                        DataHeader.SLOTS_AT,
                        "two checkpoints with valid checksums",
                        checkpoint == null
                                ? "none: regions are found by their headers"
                                : "that of epoch %d alone; a newer one may be lost"
                                        .formatted(checkpoint.epoch()));
            }
            Path made = target.beingMade(DataFiles.randomId());
            StoreFiles making = StoreFiles.of(made);
            try {
                write(from, index, report, newest, making);
                Files.move(making.shared(), target.shared());
                DataFiles.name(making.data(), target.data(), true);
            } finally {
                Files.deleteIfExists(making.data());
                Files.deleteIfExists(making.shared());
                Files.deleteIfExists(making.lock());
            }
            return report.result(checkpoint == null ? 0 : checkpoint.epoch(), newest);
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
                engine.reader().clock().resume(checkpoint); // which entries expire by
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
