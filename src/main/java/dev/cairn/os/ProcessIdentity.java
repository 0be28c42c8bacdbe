package dev.cairn.os;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.StringTokenizer;

/**
 * The identity of a process, which distinguishes it from every other process of this boot.
 *
 * @param pid the process ID in its own PID namespace
 * @param startTicks field 22 of /proc/PID/stat, in clock ticks; unlike an instant that is derived
 *     from the wall clock it never moves
 * @param pidNamespace the inode number of /proc/self/ns/pid, 0 if unknown
 * @param timeNamespace the inode number of /proc/self/ns/time, 0 if unknown
 */
public record ProcessIdentity(long pid, long startTicks, long pidNamespace, long timeNamespace) {
    private static final int FIELD_FLAGS = 9;
    private static final int FIELD_START = 22;

    /** A flag of a task that never again executes an instruction of its program. */
    private static final long PF_EXITING = 4;

    private static final Path PROC = Path.of("/proc");

    /** What a look at a process shows. */
    public enum Life {
        RUNNING,
        /** The kernel is tearing all its tasks down, or they wait to be reaped. */
        EXITING,
        /** There is no process with that ID and start. */
        GONE,
        /**
         * The process is in other namespaces, or this system does not show processes, or not those
         * of other users.
         */
        UNSEEN
    }

    private static final ProcessIdentity SELF = readSelf();

    /**
     * Whether /proc shows processes of other users, which it can be mounted to hide (hidepid);
     * process 1 always lives.
     */
    private static final boolean SEES_OTHERS = Files.exists(PROC.resolve("1/stat"));

    public static ProcessIdentity self() {
        return SELF;
    }

    private static ProcessIdentity readSelf() {
        long pid = ProcessHandle.current().pid();
        try {
            return new ProcessIdentity(
                    pid,
                    statField(PROC.resolve("self/stat"), FIELD_START),
                    namespace("pid"),
                    namespace("time"));
        } catch (IOException _) {
            return new ProcessIdentity(pid, 0, 0, 0);
        }
    }

    private static long namespace(String kind) {
        try {
            String link = Files.readSymbolicLink(PROC.resolve("self/ns/" + kind)).toString();
            return Long.parseLong(link.substring(link.indexOf('[') + 1, link.indexOf(']')));
        } catch (IOException | RuntimeException _) {
            return 0;
        }
    }

    /** Whether its process ID means the same process in this namespace. */
    public boolean isOfThisNamespace() {
        return pidNamespace != 0 && pidNamespace == SELF.pidNamespace;
    }

    /** Looks at the process once. */
    public Life look() {
        if (SELF.startTicks == 0
                || SELF.pidNamespace == 0
                || pidNamespace != SELF.pidNamespace
                || timeNamespace != SELF.timeNamespace) {
            return Life.UNSEEN;
        }
        Path process = PROC.resolve(Long.toString(pid));
        try {
            if (statField(process.resolve("stat"), FIELD_START) != startTicks) {
                return Life.GONE;
            }
            try (DirectoryStream<Path> tasks = Files.newDirectoryStream(process.resolve("task"))) {
                for (Path task : tasks) {
                    if (!exiting(task)) {
                        return Life.RUNNING;
                    }
                }
            }
            return Life.EXITING;
        } catch (NoSuchFileException _) {
            return SEES_OTHERS ? Life.GONE : Life.UNSEEN;
        } catch (IOException | RuntimeException _) {
            return Life.UNSEEN;
        }
    }

    private static boolean exiting(Path task) throws IOException {
        try {
            return (statField(task.resolve("stat"), FIELD_FLAGS) & PF_EXITING) != 0;
        } catch (NoSuchFileException _) {
            return true;
        }
    }

    private static long statField(Path stat, int field) throws IOException {
        String line = Files.readString(stat, StandardCharsets.ISO_8859_1);
        var fields = new StringTokenizer(line.substring(line.lastIndexOf(')') + 1)); // from field 3
        for (int skipped = 3; skipped < field; skipped++) {
            fields.nextToken();
        }
        return Long.parseLong(fields.nextToken());
    }
}
