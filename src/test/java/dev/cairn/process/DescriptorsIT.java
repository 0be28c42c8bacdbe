package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Recovery.Kind;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;

/**
 * Attacks the calls that need file descriptors, in a process that has none left or few. Each call
 * must do its work or say what it lacks, whichever of its descriptors is the first that it does not
 * get. Once there are descriptors again, the process must go on.
 */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DescriptorsIT {
    private static final int ENTRIES = 50;
    private static final int MOST_SPARE = 40;

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private Child limited() {
        Child child =
                children.start(
                        List.of("bash", "-c", "ulimit -n 300; exec \"$0\" \"$@\" 2>/dev/null"));
        child.ask("preload");
        return child;
    }

    /** An order for a child that has few descriptors to spare. */
    private record Call(List<String> order, boolean mustSucceedWithNone) {}

    /**
     * Tries a call with no descriptor to spare, then with one, and so on until it succeeds. Returns
     * how often it was refused.
     */
    private int refusals(Child child, Call call, Runnable after) {
        int refused = 0;
        for (int spare = 0; ; spare++) {
            assertThat(spare).as("descriptors for %s", call.order()).isLessThan(MOST_SPARE);
            assertThat(child.ask("hog")).contains("Too many open files");
            child.ask("spare", spare);
            child.tell(call.order().toArray());
            String said = child.hear();
            child.ask("unhog");
            if (said.startsWith(Acting.DONE)) {
                return refused;
            }
            assertThat(said)
                    .startsWith(Acting.FAILED)
                    .contains(directory.toString())
                    .doesNotContain("Error");
            assertThat(call.mustSucceedWithNone()).as(said).isFalse();
            refused++;
            after.run();
        }
    }

    private void warm(Child child) {
        child.ask("open", directory.resolve("warm.cairn"));
        child.ask("put", "large", 1 << 20);
        child.ask("remove", "large");
        child.ask("checkpoint");
        child.ask("compact");
        child.ask("watch");
        child.ask("backup", directory.resolve("warm.backup"));
        child.ask("verify");
        child.ask("close");
        child.ask("view", directory.resolve("warm.cairn"));
        child.ask("close");
    }

    @Test
    void openingGoesOrSaysWhatItLacks() {
        Child child = limited();
        warm(child);
        int creating =
                refusals(child, new Call(List.of("open", file().toString()), false), () -> {});
        for (int i = 0; i < ENTRIES; i++) {
            child.ask("put", "key" + i, 100);
        }
        child.ask("close");
        int opening =
                refusals(
                        child,
                        new Call(List.of("open", file().toString()), false),
                        () -> holds(ENTRIES));
        assertThat(child.ask("verify")).isEqualTo(Integer.toString(ENTRIES));
        child.ask("close");
        int viewing =
                refusals(
                        child,
                        new Call(List.of("view", file().toString()), false),
                        () -> holds(ENTRIES));
        child.ask("close");
        System.out.printf(
                "DescriptorsIT: refused to create %d times, to open %d, to view %d%n",
                creating, opening, viewing);
        assertThat(creating).isPositive();
        assertThat(opening).isPositive();
        assertThat(viewing).isPositive();
        holds(ENTRIES);
    }

    private void holds(int entries) {
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(store.size()).isEqualTo(entries);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void whatAnOpenStoreDoesGoesOrSaysWhatItLacks() {
        Child child = limited();
        warm(child);
        child.ask("open", file());
        for (int i = 0; i < ENTRIES; i++) {
            child.ask("put", "key" + i, 100);
        }
        child.ask("checkpoint");
        Runnable sound = () -> assertThat(child.ask("verify")).isNotEqualTo("0");
        for (List<String> order :
                List.of(
                        List.of("put", "large", Integer.toString(3 << 20)),
                        List.of("watch"),
                        List.of("checkpoint"),
                        List.of("verify"))) {
            assertThat(refusals(child, new Call(order, true), sound)).isZero();
        }
        String target = directory.resolve("backup.cairn").toString();
        int backups = refusals(child, new Call(List.of("backup", target), false), sound);
        System.out.printf("DescriptorsIT: refused to back up %d times%n", backups);
        assertThat(backups).isPositive();
        child.ask("remove", "large");
        child.ask("compact");
        assertThat(child.ask("verify")).isEqualTo(Integer.toString(ENTRIES + 1));
        child.ask("close");
        holds(ENTRIES + 1);
        try (CairnStore copy = Cairn.open(Path.of(target), Scenario.QUIET)) {
            assertThat(copy.size()).isEqualTo(ENTRIES + 2);
            assertThat(copy.verify().damages()).isEmpty();
        }
    }
}
