package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.LimitReached;
import dev.cairn.MemoryDirectory;
import dev.cairn.Recovery.Kind;
import dev.cairn.format.ProcessWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.os.ProcessIdentity;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;

/**
 * Attacks the promise that at most a fixed number of processes have a store open. When all slots
 * are taken, the next process must be told so; once one has left or died, it must be let in. A
 * thousand JVMs would not fit most machines. So two programs that do nothing hold all slots but
 * one, as running processes do that lost their kernel locks.
 */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AllSlotsIT {
    private static final int LEAVES = 500;
    private static final int DIES = 700;

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final List<Process> idle = new ArrayList<>();

    @AfterEach
    void endIdle() {
        idle.forEach(Process::destroyForcibly);
        idle.forEach(each -> each.onExit().join());
    }

    @Test
    void theNextIsToldAndLetInOnceOneHasLeftOrDied() throws IOException {
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file, Scenario.QUIET)) {
            Process most = idle();
            Process one = idle();
            long startOfMost = startTicks(most.pid());
            long startOfOne = startTicks(one.pid());
            for (int slot = 0; slot < SharedLayout.PROCESS_SLOTS; slot++) {
                if (word(file, slot, ProcessWords.STATE) == ProcessWords.STATE_FREE) {
                    boolean last = slot == DIES;
                    enter(file, slot, (last ? one : most).pid(), last ? startOfOne : startOfMost);
                }
            }
            assertThat(store.stats().processes()).isEqualTo(SharedLayout.PROCESS_SLOTS);
            Child next = children.start();
            refuses(next, file);
            refuses(next, file); // refused again, as the first try left nothing behind
            assertThat(next.ask("view", file)).isEqualTo(Kind.JOINED.toString()); // takes no slot
            next.ask("close");

            set(file, LEAVES, ProcessWords.STATE, ProcessWords.STATE_FREE);
            assertThat(next.ask("open", file)).isEqualTo(Kind.JOINED.toString());
            next.ask("put", "key", 100);
            Child other = children.start();
            refuses(other, file);
            next.ask("close");
            assertThat(other.ask("open", file)).isEqualTo(Kind.JOINED.toString());
            refuses(next, file);

            one.destroyForcibly().onExit().join();
            assertThat(next.ask("open", file)).isEqualTo(Kind.JOINED.toString());
            next.ask("put", "key", 100);
            next.ask("close");
            other.ask("close");
            most.destroyForcibly().onExit().join();
            assertThat(store.stats().processes()).isEqualTo(1);
            assertThat(store.verify().damages()).isEmpty();
        }
        try (CairnStore again = Cairn.open(file, Scenario.QUIET)) {
            assertThat(again.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(again.size()).isEqualTo(1);
        }
    }

    private static void refuses(Child next, Path file) {
        next.tell("open", file);
        assertThat(next.hear())
                .startsWith(Acting.FAILED + LimitReached.class.getName())
                .contains(file.toString(), "all " + SharedLayout.PROCESS_SLOTS);
    }

    private Process idle() throws IOException {
        Process process = new ProcessBuilder("sleep", "600").start();
        idle.add(process);
        return process;
    }

    private static long word(Path file, int slot, int field) throws IOException {
        return SharedWords.load(file, SharedLayout.processAt(slot) + field);
    }

    private static void set(Path file, int slot, int field, long value) throws IOException {
        SharedWords.store(file, SharedLayout.processAt(slot) + field, value);
    }

    private static void enter(Path file, int slot, long pid, long startTicks) throws IOException {
        ProcessIdentity self = ProcessIdentity.self();
        set(file, slot, ProcessWords.INCARNATION, 1);
        set(file, slot, ProcessWords.PID, pid);
        set(file, slot, ProcessWords.START_TICKS, startTicks);
        set(file, slot, ProcessWords.PID_NAMESPACE, self.pidNamespace());
        set(file, slot, ProcessWords.TIME_NAMESPACE, self.timeNamespace());
        set(file, slot, ProcessWords.STATE, ProcessWords.STATE_OPEN);
    }

    private static long startTicks(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        var fields = new StringTokenizer(stat.substring(stat.lastIndexOf(')') + 1));
        for (int field = 3; field < 22; field++) {
            fields.nextToken();
        }
        return Long.parseLong(fields.nextToken());
    }
}
