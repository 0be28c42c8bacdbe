package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Change.Lagged;
import dev.cairn.Change.Put;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Host;
import dev.cairn.os.HostClock;
import dev.cairn.os.MappedFile;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** Attacks the conditions under which a put overwrites, in place, the record that it supersedes. */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OverwriteInPlaceTest {
    private static final Options QUIET = Options.defaults().withStripes(1).withManualCheckpoints();
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final byte[] KEY = "key".getBytes(UTF_8);
    private static final byte[] OTHER = "other".getBytes(UTF_8);

    /** The most times that a record is overwritten in place. */
    private static final int MOST = 31;

    @TempDir Path directory;

    private CairnStore store;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private void open(Options options) {
        store = Cairn.open(file(), options);
    }

    @AfterEach
    void close() {
        HostClock.shift(Duration.ZERO, Duration.ZERO);
        if (store != null) {
            assertThat(store.verify().damages()).isEmpty();
            store.close();
        }
    }

    private long inPlace() {
        return store.stats().overwritesInPlace();
    }

    /** Puts a value of so many bytes. Returns whether that overwrote a record in place. */
    private boolean overwrites(int bytes) {
        return overwrites(() -> store.put(KEY, value(bytes)), bytes);
    }

    private interface Write {
        long run();
    }

    private int number;

    private byte[] value(int bytes) {
        byte[] value = new byte[bytes];
        new SplittableRandom(++number).nextBytes(value);
        return value;
    }

    private boolean overwrites(Write write, int bytes) {
        long before = inPlace();
        long version = write.run();
        byte[] expected = new byte[bytes];
        new SplittableRandom(number).nextBytes(expected);
        assertThat(store.get(KEY)).isEqualTo(expected);
        assertThat(store.version(KEY)).isEqualTo(version);
        return inPlace() > before;
    }

    @Test
    void aPutOverwritesAYoungRecordOfItsLength() {
        open(QUIET);
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(100)).isTrue();
        assertThat(overwrites(() -> store.replace(KEY, store.version(KEY), value(100)), 100))
                .isTrue();
        assertThat(store.stats().liveBytes()).isLessThan(200);
        assertThat(store.size()).isEqualTo(1);
    }

    @Test
    void aRecordOfAnotherLengthIsNotOverwritten() {
        open(QUIET);
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(200)).isFalse();
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(0)).isFalse();
        assertThat(overwrites(0)).isTrue();
    }

    @Test
    void largeRecordsAreNotOverwritten() {
        open(QUIET);
        assertThat(overwrites(15_000)).isFalse();
        assertThat(overwrites(15_000)).isTrue();
        for (int bytes : List.of(20_000, 200_000, 3_000_000)) {
            assertThat(overwrites(bytes)).isFalse();
            assertThat(overwrites(bytes))
                    .as("whether a value of %d bytes is overwritten in place", bytes)
                    .isFalse();
        }
    }

    /**
     * Behind the tail there is no room for the image, which stands there until it is in its place.
     */
    @Test
    void aFullTailRegionHasNoRoomToOverwrite() {
        open(QUIET);
        store.put(OTHER, new byte[40_000]);
        assertThat(overwrites(15_000)).isFalse();
        assertThat(overwrites(15_000)).isFalse(); // it lies in another region
        assertThat(overwrites(15_000)).isTrue();
    }

    @Test
    void whatExpiresIsNotOverwritten() {
        open(QUIET);
        Write lasting = () -> store.put(KEY, value(100), Duration.ofDays(1));
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(lasting, 100)).isFalse();
        assertThat(overwrites(lasting, 100)).isFalse();
        assertThat(overwrites(100)).isFalse();
        assertThat(store.getVersioned(KEY).timeLeft()).isEmpty();
        assertThat(overwrites(100)).isTrue();
    }

    @Test
    void whatWasRemovedIsNotOverwritten() {
        open(QUIET);
        assertThat(overwrites(100)).isFalse();
        assertThat(store.remove(KEY)).isPositive();
        assertThat(store.get(KEY)).isNull();
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(100)).isTrue();
    }

    @Test
    void whatACheckpointNamesIsNotOverwritten() {
        open(QUIET);
        assertThat(overwrites(100)).isFalse();
        for (int i = 0; i < 3; i++) {
            store.checkpoint();
            assertThat(overwrites(100)).isFalse();
            assertThat(overwrites(100)).isTrue();
        }
        store.close();
        open(QUIET);
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(100)).isTrue();
    }

    /** When the count of a record comes to its end, the next put goes to another place. */
    @Test
    void aRecordIsOverwrittenALimitedNumberOfTimes() {
        open(QUIET);
        int appended = 0;
        for (int i = 0; i < 10 * (MOST + 1); i++) {
            appended += overwrites(100) ? 0 : 1;
        }
        assertThat(appended).isEqualTo(10);
        store.checkpoint();
        store.close();
        open(QUIET);
        assertThat(store.get(KEY)).hasSize(100);
    }

    @Test
    void whatWasOverwrittenIsBackedUpAndSalvaged() throws IOException {
        open(QUIET);
        for (int i = 0; i < 5; i++) {
            assertThat(overwrites(100)).isEqualTo(i > 0);
        }
        byte[] value = store.get(KEY);
        store.checkpoint();
        Path copy = directory.resolve("copy.cairn");
        store.backup(copy);
        try (CairnStore backup = Cairn.open(copy, QUIET.withReadOnly(true))) {
            assertThat(backup.get(KEY)).isEqualTo(value);
        }
        Path salvaged = directory.resolve("salvaged.cairn");
        Salvage _ = Cairn.salvage(copy, salvaged);
        try (CairnStore other = Cairn.open(salvaged, QUIET)) {
            assertThat(other.get(KEY)).isEqualTo(value);
            assertThat(other.verify().damages()).isEmpty();
        }
    }

    @Test
    void nothingIsOverwrittenWhereEachWriteIsDurable() {
        open(QUIET.withDurability(Durability.EACH_WRITE));
        for (int i = 0; i < 20; i++) {
            assertThat(overwrites(100)).isFalse();
        }
    }

    @Test
    void storesWithoutCheckpointsOverwrite() {
        open(QUIET.withDurability(Durability.NONE));
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(100)).isTrue();
    }

    /**
     * The store is like one that was created before the feature existed, and older programs may
     * open it.
     */
    @Test
    void nothingIsOverwrittenInAStoreWithoutTheFeature() throws IOException {
        open(QUIET);
        assertThat(overwrites(100)).isFalse();
        store.close();
        takeFeatureAway(file());
        open(QUIET);
        for (int i = 0; i < 20; i++) {
            assertThat(overwrites(100)).isFalse();
        }
        store.checkpoint();
        assertThat(overwrites(100)).isFalse();
        store.compact();
        store.close();
        open(QUIET);
        assertThat(store.get(KEY)).hasSize(100);
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(100)).isFalse();
        assertThat(inPlace()).isZero();
    }

    private static void takeFeatureAway(Path file) throws IOException {
        byte[] block = Host.read(file, DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES);
        DataHeader is = DataHeader.decode(file, block);
        assertThat(is.overwritesInPlace()).isTrue();
        byte[] without =
                new DataHeader(
                                is.storeId(),
                                is.hashSeed(),
                                is.stripes(),
                                is.regionBytes(),
                                is.durability(),
                                false,
                                is.cache())
                        .encode();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            assertThat(channel.write(ByteBuffer.wrap(without), DataHeader.HEADER_AT))
                    .isEqualTo(without.length);
        }
    }

    @Test
    void nothingIsOverwrittenWhileAFeedIsOpen() throws InterruptedException {
        open(QUIET);
        assertThat(overwrites(100)).isFalse();
        assertThat(overwrites(100)).isTrue();
        try (ChangeFeed<byte[]> one = store.watch()) {
            try (ChangeFeed<byte[]> two = store.watch()) {
                requireAllTold(List.of(one, two));
            }
            requireAllTold(List.of(one));
        }
        awaitOverwrites();
    }

    private void requireAllTold(List<ChangeFeed<byte[]>> feeds) throws InterruptedException {
        List<Long> put = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            assertThat(overwrites(100)).isFalse();
            put.add(store.version(KEY));
        }
        for (ChangeFeed<byte[]> feed : feeds) {
            List<Long> told = new ArrayList<>();
            while (told.size() < put.size()) {
                told.add(((Put<byte[]>) feed.poll(PATIENCE)).version());
            }
            assertThat(told).isEqualTo(put);
            assertThat(feed.poll(Duration.ZERO)).isNull();
        }
    }

    /**
     * Waits until puts overwrite again. The feed was closed, and nobody asks again until what it
     * said has expired.
     */
    private void awaitOverwrites() {
        HostClock.shift(Duration.ZERO, Duration.ofMinutes(1));
        while (!overwrites(100)) {
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
        }
    }

    /** Writers may not know of a feed if it was opened while they were looking. */
    @Test
    void aFeedThatWritersDoNotKnowOfLags() throws InterruptedException, IOException {
        open(QUIET);
        store.put(OTHER, new byte[10]);
        assertThat(overwrites(100)).isFalse();
        try (ChangeFeed<byte[]> feed = store.watch()) {
            overwriteUnseen(); // the place is before the tail
            awaitLagged(feed);
            long version = store.put(OTHER, new byte[20]); // above the one that was not told
            assertThat(((Put<byte[]>) feed.poll(PATIENCE)).version()).isEqualTo(version);
            overwriteUnseen();
            store.put(OTHER, new byte[10]);
            awaitLagged(feed);
        }
    }

    /** Overwrites in place though a feed is open. */
    private void overwriteUnseen() throws IOException {
        do {
            forgetFeeds();
        } while (!overwrites(100)); // the feed was known again
    }

    private static void awaitLagged(ChangeFeed<byte[]> feed) throws InterruptedException {
        Change<byte[]> change = feed.poll(PATIENCE);
        while (change instanceof Put<byte[]> put && Arrays.equals(put.key(), KEY)) {
            change = feed.poll(PATIENCE);
        }
        assertThat(change).isInstanceOf(Lagged.class);
        assertThat(feed.poll(Duration.ZERO)).isNull();
    }

    private void forgetFeeds() throws IOException {
        Path shared = file().resolveSibling(file().getFileName() + "-shm");
        try (MappedFile words = MappedFile.map(shared, SharedLayout.DIRECTORY, true)) {
            Words.release(words.first(), SharedLayout.FEEDS, 0);
        }
    }

    /** Feeds open while somebody overwrites who does not stop for them. */
    @Test
    void aFeedThatOpensMeanwhileMissesNothing() throws Exception {
        open(QUIET);
        AtomicBoolean enough = new AtomicBoolean();
        CompletableFuture<Void> writer =
                CompletableFuture.runAsync(() -> {
                    SplittableRandom random = new SplittableRandom(1);
                    while (!enough.get()) {
                        byte[] key = ("key" + random.nextInt(4)).getBytes(UTF_8);
                        store.put(key, new byte[random.nextInt(2) * 100]);
                    }
                });
        try {
            for (int i = 0; i < 60; i++) {
                forgetFeeds();
                try (Replica replica = new Replica(store, store.watch())) {
                    for (int told = 0; told < 300; told++) {
                        assertThat(replica.next(PATIENCE)).isTrue();
                    }
                }
            }
            assertThat(inPlace()).isPositive();
            try (Replica replica = new Replica(store, store.watch())) {
                enough.set(true);
                writer.get();
                replica.catchUp();
                replica.awaitEqual(PATIENCE);
            }
        } finally {
            enough.set(true);
            join(writer);
        }
        assertThat(Files.size(file())).isPositive();
    }

    private static void join(CompletableFuture<Void> writer) throws InterruptedException {
        try {
            writer.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }
}
