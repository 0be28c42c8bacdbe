package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.Recovery.Kind;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Attacks the opening of a store in a chroot. The root directory there is no mount point, so the
 * system does not tell which file system it is on.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChrootIT {
    /** Makes all of this system visible below {@code $0}, in a mount namespace of its own. */
    private static final String ENTER =
            """
            for each in /*; do
              [ -L "$each" ] && cp -P "$each" "$0" && continue
              [ -d "$each" ] || continue
              mkdir -p "$0$each" && mount --rbind "$each" "$0$each" || exit 1
            done
            exec chroot "$0" "$@"
            """;

    @RegisterExtension final Children children = new Children();

    @TempDir Path root;

    private List<String> enter() {
        return List.of("unshare", "--mount", "sh", "-c", ENTER, root.toString());
    }

    private void requireAllowed() throws IOException {
        List<String> trial = new ArrayList<>(enter());
        trial.add("true");
        Process tried =
                new ProcessBuilder(trial)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        boolean allowed = tried.onExit().join().exitValue() == 0;
        if (!allowed) {
            System.out.println("skipped: not allowed here: unshare --mount, chroot");
        }
        assumeTrue(allowed, "not allowed here: unshare --mount, chroot");
    }

    @Test
    void storeIsOpenedInAChroot() throws IOException {
        requireAllowed();
        Child child = children.start(enter());
        assertThat(child.ask("open", "/store.cairn")).isEqualTo(Kind.CREATED.toString());
        child.ask("put", "key", 100);
        child.ask("close");
        assertThat(root.resolve("store.cairn")).isRegularFile();
        Child again = children.start();
        assertThat(again.ask("open", root.resolve("store.cairn"))).isEqualTo("CLEAN");
        assertThat(again.ask("get", "key")).isEqualTo("2");
        assertThat(Files.exists(root.resolve("store.cairn-lock"))).isTrue();
    }
}
