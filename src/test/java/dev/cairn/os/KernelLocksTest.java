package dev.cairn.os;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.os.KernelLocks.Elsewhere;
import dev.cairn.os.KernelLocks.Held;
import dev.cairn.os.KernelLocks.Here;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.stream.Stream;

/** Attacks kernel locks of both kinds, within one process. */
class KernelLocksTest {
    private static final long AT = 20;

    @TempDir Path directory;
    private Path file;

    @BeforeEach
    void create() throws IOException {
        file = directory.resolve("a-lock");
        Host.createIfAbsent(file, Access.of(PosixFilePermissions.fromString("rw-------")));
    }

    private DescriptorLocks certain() throws IOException {
        DescriptorLocks locks = DescriptorLocks.open(file, true);
        assumeTrue(locks != null, "no native access, or no such locks here");
        return Objects.requireNonNull(locks);
    }

    private static Held held(LockFile by) throws IOException {
        return (Held) by.attempt(AT, 1, false);
    }

    @Test
    void descriptionsOfOneProcessExcludeEachOther() throws IOException {
        DescriptorLocks one = certain();
        DescriptorLocks other = certain();
        Held held = held(one);
        assertThat(other.attempt(AT, 1, false)).isInstanceOf(Elsewhere.class);
        assertThat(other.attempt(AT, 1, true)).isInstanceOf(Elsewhere.class);
        held.release();
        Held shared = (Held) other.attempt(AT, 1, true);
        assertThat(one.attempt(AT, 1, true)).isInstanceOf(Held.class);
        shared.release();
        one.leave();
        other.leave();
    }

    @Test
    void askingForALockTakesNone() throws IOException {
        DescriptorLocks one = certain();
        DescriptorLocks other = certain();
        assertThat(other.isLocked(0, Long.MAX_VALUE)).isFalse();
        Held held = held(one);
        assertThat(one.isLocked(AT, 1)).isFalse(); // its own
        assertThat(other.isLocked(AT, 1)).isTrue();
        assertThat(other.isLocked(0, AT)).isFalse();
        assertThat(other.isLocked(AT + 1, 100)).isFalse();
        assertThat(other.isLocked(0, AT + 1)).isTrue();
        held.release();
        Held shared = (Held) one.attempt(AT, 1, true);
        assertThat(other.isLocked(AT, 1)).isTrue();
        assertThat(certainForReading().isLocked(AT, 1)).isTrue();
        shared.release();
        assertThat(other.isLocked(AT, 1)).isFalse();
        assertThat(one.attempt(AT, 1, false)).isInstanceOf(Held.class);
        one.leave();
        other.leave();
    }

    private DescriptorLocks certainForReading() throws IOException {
        return Objects.requireNonNull(DescriptorLocks.open(file, false));
    }

    @Test
    void locksOfThisProcessAreAskedForToo() throws IOException {
        DescriptorLocks certain = certain();
        ChannelLocks portable = ChannelLocks.open(file, true);
        Held held = held(certain);
        assertThat(portable.isLocked(AT, 1)).isTrue();
        assertThat(portable.isLocked(AT + 1, 1)).isFalse();
        held.release();
        assertThat(portable.isLocked(AT, 1)).isFalse();
        Held again = held(portable);
        assertThat(certain.isLocked(AT, 1)).isTrue();
        assertThat(ChannelLocks.open(file, true).isLocked(AT, 1)).isTrue();
        again.release();
        assertThat(held(certain)).isNotNull();
        certain.leave();
        portable.leave();
    }

    @Test
    void aLockFileKnowsWhetherItHasItsName() throws IOException {
        try (KernelLocks locks = KernelLocks.openExisting(file, true)) {
            assertThat(locks.isNamed()).isTrue();
            Files.delete(file);
            assertThat(locks.isNamed()).isFalse();
            Files.createFile(file);
            assertThat(locks.isNamed()).isFalse();
        }
        try (KernelLocks locks = KernelLocks.openExisting(file, true)) {
            assertThat(locks.isNamed()).isTrue();
        }
    }

    @Test
    void foreignCloseDropsNoLockOfADescription() throws IOException {
        DescriptorLocks one = certain();
        DescriptorLocks other = certain();
        Held held = held(one);
        Files.copy(file, directory.resolve("copy"));
        certain().leave();
        assertThat(other.attempt(AT, 1, false)).isInstanceOf(Elsewhere.class);
        held.release();
        one.leave();
        other.leave();
    }

    @Test
    void bothKindsExcludeEachOther() throws IOException {
        DescriptorLocks certain = certain();
        ChannelLocks portable = ChannelLocks.open(file, true);
        Held first = held(certain);
        assertThat(portable.attempt(AT, 1, false)).isInstanceOf(Elsewhere.class);
        first.release();
        Held second = held(portable);
        assertThat(certain.attempt(AT, 1, false)).isInstanceOf(Elsewhere.class);
        assertThat(portable.attempt(AT, 1, false)).isInstanceOf(Here.class);
        second.release();
        certain.leave();
        portable.leave();
    }

    @Test
    void usersOfThePortableKindShareAChannelPerMode() throws IOException {
        ChannelLocks one = ChannelLocks.open(file, true);
        ChannelLocks other = ChannelLocks.open(file, true);
        ChannelLocks reader = ChannelLocks.open(file, false);
        Held held = held(one);
        other.leave();
        reader.leave();
        DescriptorLocks outside = certain(); // left open, since closing drops others' locks
        assertThat(outside.attempt(AT, 1, false)).isInstanceOf(Elsewhere.class);
        held.release();
        outside.leave();
        one.leave();
        assertThatThrownBy(() -> one.attempt(AT, 1, false))
                .isInstanceOf(ClosedChannelException.class);
    }

    /**
     * Native code is given a name in UTF-8. If that is not the file's name, the portable way is
     * taken.
     */
    @Test
    void nameThatIsNotTextIsLeftToThePortableWay() throws IOException {
        certain().leave();
        assertThat(DescriptorLocks.open(directory.resolve("\uFFFD-lock"), true)).isNull();
        assertThat(DescriptorLocks.open(directory.resolve("none-lock"), true)).isNull();
    }

    /** Closing would drop its locks, with all others that the process owns. */
    @Test
    void nothingIsClosedWhileSomebodyOpensTheStore() throws IOException {
        ChannelLocks portable = ChannelLocks.open(file, true);
        DescriptorLocks certain = certain();
        DescriptorLocks opener = certain();
        Held opening = (Held) opener.attempt(KernelLocks.OPEN_BYTE, 1, false);
        held(portable);
        portable.leave();
        certain.leave();
        assertThat(portable.attempt(AT + 1, 1, false)).isInstanceOf(Held.class);
        assertThat(certain.attempt(AT + 2, 1, false)).isInstanceOf(Held.class);
        opening.release();
        opener.leave();
        assertThatThrownBy(() -> certain.attempt(AT, 1, false))
                .isInstanceOf(ClosedChannelException.class);
        ChannelLocks.open(file, true).leave();
        assertThatThrownBy(() -> portable.attempt(AT, 1, false))
                .isInstanceOf(ClosedChannelException.class);
    }

    /**
     * Those who ask for the progress of a long opening come and go like this, or who try again and
     * again to open.
     */
    @Test
    void whoComesAndGoesWhileSomebodyOpensTheStoreLeavesNoHeapOfDescriptors() throws IOException {
        DescriptorLocks opener = certain();
        Held opening = (Held) opener.attempt(KernelLocks.OPEN_BYTE, 1, false);
        for (int i = 0; i < 20; i++) {
            DescriptorLocks one = certain();
            DescriptorLocks other = certain();
            Held held = held(one);
            assertThat(other.attempt(AT, 1, true)).isInstanceOf(Elsewhere.class);
            held.release();
            one.leave();
            other.leave();
            Objects.requireNonNull(DescriptorLocks.open(file, false)).leave();
        }
        assertThat(descriptors()).isEqualTo(1 + 2 + 1);
        Files.move(file, directory.resolve("moved-lock"));
        create();
        DescriptorLocks anew = certain();
        assertThat(anew.attempt(KernelLocks.OPEN_BYTE, 1, false))
                .as("lock on the file that now has the name")
                .isInstanceOf(Held.class);
        opening.release();
        opener.leave();
        anew.leave();
        assertThat(descriptors()).isZero();
    }

    /** Counts the descriptors of this process that name files of the test. */
    private long descriptors() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(this::leadsHere).count();
        }
    }

    private boolean leadsHere(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).startsWith(directory);
        } catch (IOException _) {
            return false; // closed meanwhile
        }
    }
}
