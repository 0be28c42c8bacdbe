package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreFull;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.checkpoint.Healer;
import dev.cairn.checkpoint.Replay;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.OpenBlock;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.Access;
import dev.cairn.os.Host;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.UUID;
import java.util.stream.IntStream;

/*
 * Actors    processes that open, close and are killed, of which one at a time holds the open lock.
 * Words     the open block in the data file; identity, READY and clean mark in the shared-memory file.
 * Steps     O1 open lock             O2 data file, created if absent: complete, then linked
 *           O3 look at the shared-memory file; is anybody alive?
 *           O4 usable, somebody alive: join
 *              usable, nobody alive:   join, repair, verify what is behind the last checkpoint
 *              clean:                  clear the mark, force, boot id, open block, join
 *              useless, nobody alive:  build a new one: replay, checkpoint, ready, open block, rename
 *              useless, somebody alive: refuse
 *           O5 give the open lock back
 * Why it is safe
 *           Members hold their slot's kernel lock while they use the files, or answer whoever finds
 *           it free (lock.RollCall), so "nobody alive" and the open lock together mean that nobody
 *           uses them or will before O5 (RULES 5, 23).
 *           A new file has a nonce of its own; the open block has it before the name does, so no
 *           older file is ever taken for it.
 * If a process dies here
 *           The kernel gives the open lock back. Everything up to the rename is done again by the
 *           next: a file that is not renamed is nobody's.
 * If power fails here
 *           The newest valid slot stays: a recovery writes nothing but the other slot before its own
 *           checkpoint is durable.
 */
/** Opens a store for writing. */
final class Opening {
    private static final long FARTHEST_CLOCK_MILLIS = Duration.ofDays(36_500).toMillis();

    private final StoreFiles files;
    private final Options options;
    private final KernelLocks kernel;
    private final long start = System.nanoTime();

    private Opening(StoreFiles files, Options options, KernelLocks kernel) {
        this.files = files;
        this.options = options;
        this.kernel = kernel;
    }

    static Engine open(StoreFiles files, Options options) throws IOException {
        KernelLocks kernel = KernelLocks.open(files.lock(), access(files, options));
        Engine engine = null;
        try {
            KernelLocks.Held open = OpenLock.exclusive(files, kernel, options.lockTimeout()); // O1
            try {
                engine = new Opening(files, options, kernel).openHolding();
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

    /** A lost lock file serves those who may use the data. */
    private static Access access(StoreFiles files, Options options) throws IOException {
        return Files.exists(files.data())
                ? Access.like(files.data())
                : Access.of(options.permissions());
    }

    private Engine openHolding() throws IOException {
        DataFiles.removeLeftovers(files);
        boolean created = !Files.exists(files.data());
        boolean alone = nobodyAlive();
        if (created) {
            if (!alone) {
                throw refusal("the data file is gone");
            }
            DataFiles.create(files, options); // O2
        }
        files.requireOneName();
        DataFiles.Prefix prefix = DataFiles.read(files.data());
        requireMaxBytes(prefix.header());
        SharedFiles.Finding finding = SharedFiles.look(files, prefix); // O3
        return switch (finding) {
            case SharedFiles.Usable(long bytes) when !alone -> join(prefix, bytes);
            case SharedFiles.Usable(long bytes) -> repair(prefix, bytes);
            case SharedFiles.Clean(long bytes) -> reopen(prefix, bytes, alone);
            case SharedFiles.Useless(String why) when alone ->
                    !OpenBlock.NONE.equals(prefix.openBlock())
                            ? build(prefix, Kind.REBUILT, why)
                            : prefix.newest().regions() == 0
                                    ? build(prefix, Kind.CREATED, "it did not exist")
                                    : build(prefix, Kind.REBUILT, "it is a backup");
            case SharedFiles.Useless(String why) -> throw refusal(why);
        };
    }

    private CorruptStore refusal(String why) {
        return new CorruptStore(
                files.shared(),
                0,
                "the files that processes which have the store open share",
                why + "; close the store everywhere, then open it again");
    }

    private void requireMaxBytes(DataHeader header) {
        long least = header.regionAt(2L * header.stripes() + 2);
        if (options.maxBytes() != 0 && options.maxBytes() < least) {
            throw new IllegalArgumentException(
                    "%s: maxBytes is %d; with %d stripes it must be %d at least"
                            .formatted(files.data(), options.maxBytes(), header.stripes(), least));
        }
    }

    /** RULE 16: neither by the kernel's locks nor by the processes that run. */
    private boolean nobodyAlive() throws IOException {
        if (kernel.tryExclusive(ProcessTable.READERS_BYTE, ProcessTable.MEMBERS_LENGTH)
                instanceof KernelLocks.Held probe) {
            probe.release();
            return !SharedFiles.anybodyWithoutLock(files.shared(), kernel);
        }
        return false;
    }

    private Engine join(DataFiles.Prefix prefix, long sharedBytes) throws IOException {
        Parts parts = map(prefix, sharedBytes);
        return engine(parts, prefix, Kind.JOINED, "other processes have it open", 0, 0);
    }

    private Engine repair(DataFiles.Prefix prefix, long sharedBytes) throws IOException {
        Parts parts = null;
        try {
            parts = map(prefix, sharedBytes);
            parts.requireWriting().processes().forgetOthers();
            int repaired = parts.repairAll();
            requirePlausibleClock(parts);
            verifyBehind(parts, prefix.newest());
            OpenBlock open = prefix.openBlock();
            if (open != null && !Host.sameBoot(open.bootId())) {
                writeOpenBlock(parts.data().file(), open.nonce());
            }
            voidCheckpoint(parts, prefix.newest());
            String detail = "its processes were killed; nothing was lost, nothing rebuilt";
            return engine(parts, prefix, Kind.REPAIRED, detail, 0, repaired);
        } catch (CorruptStore
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            leave(parts);
            return build(prefix, Kind.REBUILT, "what was behind it is damaged: " + e.getMessage());
        } catch (Throwable e) {
            leave(parts);
            throw e;
        }
    }

    private static void leave(@Nullable Parts parts) {
        if (parts != null) {
            parts.requireWriting().processes().leave();
            parts.close();
        }
    }

    /**
     * A store of class NONE uses regions again at once, so its last checkpoint stops to hold with the
     * first write: an empty one is put in its place before.
     */
    private static void voidCheckpoint(Parts parts, CheckpointSlot newest) {
        if (parts.data().header().durability() == Durability.NONE
                && newest.cuts().stream().anyMatch(cut -> cut.tail() != 0)) {
            Checkpointer checkpointer = parts.checkpointer();
            checkpointer.publishQuiet(checkpointer.timeline(), parts.emptyCuts());
        }
    }

    /** A clock far ahead would make every entry with a time to live vanish. */
    private static void requirePlausibleClock(Parts parts) {
        long clock = parts.shared().acquire(SharedLayout.CLOCK);
        if (clock < 0 || clock - System.currentTimeMillis() > FARTHEST_CLOCK_MILLIS) {
            throw new CorruptStore(
                    parts.shared().file().path(),
                    SharedLayout.CLOCK,
                    "a time of this century or the next, in milliseconds since 1970",
                    Long.toString(clock));
        }
    }

    /** RULE 5: the same boot need not mean the same page cache, after a forced unmount say. */
    private static void verifyBehind(Parts parts, CheckpointSlot newest) {
        Healer healer = parts.requireWriting().healer();
        IntStream.range(0, parts.shared().stripes())
                .parallel()
                .forEach(stripe -> healer.verifyBehind(stripe, newest));
    }

    private Engine reopen(DataFiles.Prefix prefix, long sharedBytes, boolean alone)
            throws IOException {
        Parts parts = map(prefix, sharedBytes);
        try {
            if (alone) {
                parts.requireWriting().processes().forgetOthers();
            }
            if (parts.checkpointer().agrees(prefix.newest())) {
                voidCheckpoint(parts, prefix.newest());
                return engine(parts, prefix, Kind.CLEAN, "its last process had closed it", 0, 0);
            }
        } catch (Throwable e) {
            leave(parts);
            throw e;
        }
        leave(parts);
        return build(
                prefix,
                Kind.REBUILT,
                "the shared-memory file was not what the store was closed with");
    }

    /** Words by which regions are used again, or writes refused, must be possible. */
    private void requirePlausibleEpochs(MappedFile shared) {
        long epoch = Words.acquire(shared.first(), SharedLayout.EPOCH);
        for (int field :
                new int[] {SharedLayout.DURABLE, SharedLayout.ATTEMPT, SharedLayout.FAILED}) {
            long found = Words.acquire(shared.first(), field);
            if (found < 0 || found >= epoch) {
                throw new CorruptStore(
                        files.shared(),
                        field,
                        "an epoch before " + epoch + ", that of the checkpoint to come",
                        Long.toString(found));
            }
        }
    }

    private Parts map(DataFiles.Prefix prefix, long sharedBytes) throws IOException {
        MappedFile shared = MappedFile.map(files.shared(), sharedBytes, true);
        MappedFile data = null;
        try {
            requirePlausibleEpochs(shared);
            long regions = Words.acquire(shared.first(), SharedLayout.REGIONS);
            DataFiles.requireLength(files.data(), prefix.header(), regions);
            data = MappedFile.map(files.data(), prefix.header().regionAt(regions), true);
            OpenBlock open = prefix.openBlock();
            if (open != null && SharedFiles.clearMark(shared)) {
                Steps.at("O4 open block");
                writeOpenBlock(data, open.nonce());
            }
            ProcessTable processes = ProcessTable.join(files.data(), shared.first(), kernel);
            return Parts.forReading(data, prefix.header(), shared).forWriting(processes, options);
        } catch (Throwable e) {
            shared.close();
            if (data != null) {
                data.close();
            }
            throw e;
        }
    }

    private Engine build(DataFiles.Prefix prefix, Kind kind, String why) throws IOException {
        SharedFiles.retire(files.shared(), prefix.header().stripes());
        MappedFile shared = SharedFiles.make(files, prefix);
        MappedFile data = null;
        ProcessTable processes = null;
        try {
            long mapped = prefix.header().regionAt(prefix.newest().regions());
            data = MappedFile.map(files.data(), mapped, true);
            processes = ProcessTable.join(files.data(), shared.first(), kernel);
            Parts parts =
                    Parts.forReading(data, prefix.header(), shared).forWriting(processes, options);
            Replay replay = parts.replay();
            replay.restore(prefix.newest(), SharedFiles.leastBucketsLog2(), true);
            provideBlocks(parts);
            if (kind != Kind.CREATED) {
                checkpoint(parts, prefix);
            }
            UUID nonce = DataFiles.randomId();
            SharedFiles.ready(shared.first(), nonce);
            Steps.at("O4 nonce");
            writeOpenBlock(data, nonce);
            Steps.at("O4 rename");
            Files.move(
                    files.sharedBeingMade(),
                    files.shared(),
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
            shared.renamed(files.shared());
            return engine(parts, prefix, kind, why, replay.bytes(), 0);
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

    private void provideBlocks(Parts parts) {
        try {
            parts.requireWriting().regions().provideBlocks();
        } catch (IOException e) {
            throw new StoreFull(files.data(), "no space for the holes in it", e);
        }
    }

    /** RULE 23: what is recovered is made a checkpoint of a new timeline before anybody writes. */
    private void checkpoint(Parts parts, DataFiles.Prefix prefix) {
        OpenBlock before = prefix.openBlock();
        if (before == null || Host.mayBeSameBoot(before.bootId())) {
            parts.requireWriting().healer().storeAllAgainQuiet();
        }
        for (int stripe = 0; stripe < parts.shared().stripes(); stripe++) {
            StripeWords words = parts.shared().stripe(stripe);
            words.release(
                    StripeWords.VERSION,
                    words.acquire(StripeWords.VERSION) + Replay.VERSIONS_APART);
        }
        Words.add(parts.shared().base(), SharedLayout.ALLOCATIONS, Replay.NUMBERS_APART);
        Checkpointer checkpointer = parts.checkpointer();
        boolean none = parts.data().header().durability() == Durability.NONE;
        checkpointer.publishQuiet(
                DataFiles.randomId(), none ? parts.emptyCuts() : Checkpointer.cuts(parts.shared()));
    }

    private static void writeOpenBlock(MappedFile data, UUID nonce) throws IOException {
        byte[] block = new OpenBlock(nonce, Host.bootId()).encode();
        long at = DataHeader.OPEN_BLOCK_AT;
        MemorySegment.copy(MemorySegment.ofArray(block), 0, data.first(), at, block.length);
        data.force(at, at + block.length);
    }

    private Engine engine(
            Parts parts,
            DataFiles.Prefix prefix,
            Kind kind,
            String detail,
            long bytes,
            int repaired) {
        Reader reader = new Reader(parts, null);
        Recovery recovery =
                new Recovery(
                        kind,
                        detail,
                        prefix.newest().epoch(),
                        reader.size(),
                        bytes,
                        repaired,
                        Duration.ofNanos(System.nanoTime() - start));
        return new Engine(files, options, kernel, null, parts, reader, recovery);
    }
}
