package dev.cairn.bench.processes;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** JVMs that a benchmark starts, and that do not outlive it. */
public final class ChildJvm {
    private static final String PARENT = "dev.cairn.bench.parent";

    private ChildJvm() {}

    /** The beginning of a command that starts such a JVM. It tells the JVM its parent. */
    public static List<String> java() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-D" + PARENT + "=" + ProcessHandle.current().pid());
    }

    /** Ends this JVM soon after its parent has ended in whatever way. */
    public static void endWithParent() {
        Optional<ProcessHandle> parent = ProcessHandle.of(Long.getLong(PARENT));
        if (parent.isEmpty()) {
            Runtime.getRuntime().halt(1);
        }
        var _ = parent.orElseThrow().onExit().thenRun(() -> Runtime.getRuntime().halt(1));
    }

    /** Kills a process and whatever it started, and waits until they are gone. */
    public static void kill(Process process) {
        List<ProcessHandle> all =
                Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList();
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(one -> one.onExit().join());
    }
}
