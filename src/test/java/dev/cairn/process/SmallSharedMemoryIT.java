package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.MemoryDirectory;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreFull;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Attacks stores in a shared memory that is small, as in a container, or where files may not be
 * long. Every store of bytes to memory must find its page. What has no room must be refused, and no
 * process may die of SIGBUS.
 */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SmallSharedMemoryIT {
    private static final String MOUNT = "mount -t tmpfs -o size=$0 none /dev/shm && exec \"$@\"";

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    /**
     * A command that runs in a mount namespace of its own. If this user is not the superuser, the
     * command makes a user namespace too.
     */
    private static List<String> with(String size) throws IOException {
        for (List<String> unshare :
                List.of(
                        List.of("unshare", "--mount"),
                        List.of("unshare", "--user", "--map-root-user", "--mount"))) {
            List<String> before = new ArrayList<>(unshare);
            before.addAll(List.of("sh", "-c", MOUNT, size));
            List<String> trial = new ArrayList<>(before);
            trial.add("true");
            Process tried =
                    new ProcessBuilder(trial)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            if (tried.onExit().join().exitValue() == 0) {
                return before;
            }
        }
        System.out.println("skipped: not allowed here: unshare --mount, mount -t tmpfs");
        assumeTrue(false, "not allowed here: unshare --mount, mount -t tmpfs");
        return List.of();
    }

    @ParameterizedTest(name = "native calls: {0}")
    @ValueSource(booleans = {true, false})
    void whatHasNoRoomInSharedMemoryIsRefused(boolean natively) throws IOException {
        List<String> before = with("2m");
        Child child = natively ? children.start(before) : children.startPortable(before);
        String few = child.ask("crowd", "shm:crowded", 0, 60, 1);
        String many = child.ask("crowd", "shm:crowded", 61, 400, 17);
        System.out.printf("SmallSharedMemoryIT: %s; %s%n", few, many);
        assertThat(few).doesNotStartWith("0 refused").doesNotContain(" 0 opened");
        assertThat(many).startsWith("0 refused").doesNotContain(" 0 put");
    }

    /**
     * Both growing files meet a limit on the length of files. Setting such a limit needs no rights.
     */
    @ParameterizedTest(name = "native calls: {0}")
    @ValueSource(booleans = {true, false})
    void aLimitOfTheLengthOfFilesIsAFullStore(boolean natively) throws IOException {
        List<String> before = List.of("bash", "-c", "ulimit -f 240; exec \"$0\" \"$@\"");
        Child child = natively ? children.start(before) : children.startPortable(before);
        Path file = directory.resolve("store.cairn");
        assertThat(child.ask("open", file)).isEqualTo(Kind.CREATED.toString());
        int key = 0;
        String said = Acting.DONE;
        for (; said.startsWith(Acting.DONE); key++) {
            child.tell("put", "k" + key, 100);
            said = child.hear();
        }
        assertThat(said).startsWith(Acting.FAILED + StoreFull.class.getName());
        assertThat(Files.size(file)).isLessThanOrEqualTo(240 << 10);
        assertThat(Files.size(directory.resolve("store.cairn-shm"))).isLessThanOrEqualTo(240 << 10);
        assertThat(child.ask("verify")).isEqualTo(Integer.toString(key - 1));
        child.kill();
        child.awaitDeath();
        Child next = natively ? children.start(before) : children.startPortable(before);
        assertThat(next.ask("open", file)).isEqualTo(Kind.REPAIRED.toString());
        for (int each = 0; each < key - 1; each++) {
            next.ask("remove", "k" + each);
        }
        assertThat(next.ask("verify")).isEqualTo("0");
        next.ask("close");
    }
}
