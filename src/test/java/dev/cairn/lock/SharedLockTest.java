package dev.cairn.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.format.LockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What an inheritor must do first is done, though an error comes out of it. */
class SharedLockTest {
    private final MemorySegment memory = Arena.ofAuto().allocate(SharedLayout.stripeAt(1), 64);

    private final List<String> done = new ArrayList<>();
    private int failures;

    private final SharedLock lock =
            new SharedLock(
                    memory,
                    SharedLayout.CHECKPOINT_LOCK,
                    "a lock",
                    ProcessTable.solitary(Path.of("store"), memory),
                    new Contention(),
                    new SharedLock.Care() {
                        @Override
                        public void inherited() {
                            if (failures-- > 0) {
                                throw new StackOverflowError("by the test");
                            }
                            done.add("inherited");
                        }

                        @Override
                        public void taken() {
                            done.add("taken");
                        }

                        @Override
                        public void failed() {
                            done.add("failed");
                        }

                        @Override
                        public void released() {}
                    });

    private long word() {
        return Words.acquire(memory, SharedLayout.CHECKPOINT_LOCK);
    }

    private void leave() {
        Words.release(memory, SharedLayout.CHECKPOINT_LOCK, LockWord.ABANDONED);
    }

    private int hold() {
        return lock.holding(0, () -> 1);
    }

    @Test
    void anErrorInATakeoverDoesNotMakeALockThatNobodyInherited() {
        leave();
        failures = 1;
        assertThatThrownBy(this::hold).isInstanceOf(StackOverflowError.class);
        assertThat(done).containsExactly("inherited", "failed");
        assertThat(word()).isZero();
        assertThat(hold()).isEqualTo(1);
        assertThat(done).containsExactly("inherited", "failed", "taken");
    }

    /** It may have come between a change and its count. */
    @Test
    void anErrorHasTheRegionsCountedAnew() {
        assertThatThrownBy(() ->
                        lock.holding(
                                0,
                                () -> {
                                    throw new OutOfMemoryError("by the test");
                                }))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(word()).isZero();
        assertThat(Words.acquire(memory, SharedLayout.DOUBT)).isEqualTo(1);
    }

    @Test
    void aTakeoverThatFailsAgainIsLeftToTheNext() {
        leave();
        failures = 2;
        assertThatThrownBy(this::hold).isInstanceOf(StackOverflowError.class);
        assertThat(done).isEmpty();
        assertThat(word()).isEqualTo(LockWord.ABANDONED);
        assertThat(hold()).isEqualTo(1);
        assertThat(done).containsExactly("inherited", "taken");
    }
}
